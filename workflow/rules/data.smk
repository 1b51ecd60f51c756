# From an address, a file or a generator to arrays and a split.


rule download_data:
    output:
        "<data>/download/{kind}.tar.gz",
    log:
        "<data>/logs/download_data.{kind}.log",
    benchmark:
        "<data>/logs/download_data.{kind}.tsv"
    localrule: True
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
        # No record holds them: another mirror is no reason to fetch a verified archive again.
        mirrors=shlex.join(config["data"]["urls"]),
    params:
        scripts=SCRIPTS,
    message:
        "Download {wildcards.kind}"
    shell:
        "python {params.scripts:q}/download_data.py --kind {wildcards.kind} --output {output}"
        " --mirrors {resources.mirrors} 2> {log}"


rule prepare_data:
    input:
        unpack(tracked("prepare_data")),
        archive=ancient(ARCHIVE),
    output:
        # update: where new images are refused, those that runs were trained on stay.
        arrays=update(
            expand(
                "<data>/{part}/{name}.npy",
                part=["train", "test"],
                name=["images", "labels"],
            )
        ),
        about=update("<data>/dataset.json"),
        made=update("<data>/made.json"),
    log:
        "<data>/logs/prepare_data.log",
    benchmark:
        "<data>/logs/prepare_data.tsv"
    localrule: SOURCE.threads == 1  # of seconds
    conda:
        "../../envs/data.yaml"
    threads: SOURCE.threads
    resources:
        mem_mb=4000,
        runtime=60,
        # No record holds it: the same official images from elsewhere make nothing stale.
        source=plan.source_argument(config, DOWNLOADED),
    params:
        scripts=SCRIPTS,
        data=data_folder,
        settings=plan.params(plan.prepare_settings(config)),
        made=made("prepare_data"),
        kind=config["data"]["kind"],
        name=config["data"]["name"],
    message:
        "Prepare the images of {params.name}"
    shell:
        "python {params.scripts:q}/prepare_data.py --kind {params.kind} --name {params.name} {resources.source}"
        " --threads {threads} --settings {params.settings:q} --output-dir {params.data} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"


rule split_data:
    input:
        unpack(
            tracked(
                "split_data",
                about=rules.prepare_data.output.about,
                arrays=rules.prepare_data.output.arrays,
            )
        ),
    output:
        split="<study>/split.json",
        made="<study>/made/split_data.json",
    log:
        "<study>/logs/split_data.log",
    benchmark:
        "<study>/logs/split_data.tsv"
    localrule: True
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        scripts=SCRIPTS,
        data=data_folder,
        settings=plan.params(plan.split_settings(config)),
        made=made("split_data"),
    message:
        "Split the training images"
    shell:
        "python {params.scripts:q}/split_data.py --data {params.data} --settings {params.settings:q} --output {output.split} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"
