# One run: a variant trained with a seed. With `pairs: auto`, also the pair that the runs of the baseline confuse most.


rule train:
    input:
        unpack(
            tracked(
                "train",
                recipe=rules.select_recipe.output.recipe,
                split=rules.split_data.output.split,
                about=rules.prepare_data.output.about,
                arrays=rules.prepare_data.output.arrays,
            )
        ),
    output:
        record="<study>/runs/{variant}/seed{seed}/run.json",
        models=[
            f"<study>/runs/{{variant}}/seed{{seed}}/{model}.safetensors"
            for model in MODELS
        ],
        epochs="<study>/runs/{variant}/seed{seed}/epochs.csv",
        refreshes="<study>/runs/{variant}/seed{seed}/refreshes.csv",
        history="<study>/runs/{variant}/seed{seed}/history.npz",
    log:
        "<study>/logs/train/{variant}.seed{seed}.log",
    benchmark:
        "<study>/logs/train/{variant}.seed{seed}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
        gpu=1,
        jobs_per_gpu=1,  # another number by --set-resources or in a profile
        # No fingerprint holds them: of plugins, only the code counts.
        checkpoint_seconds=config["train"]["checkpoint_seconds"],
        plugins=lambda wildcards: plan.plugins_argument(config, wildcards.variant),
    params:
        scripts=SCRIPTS,
        study=study_folder,
        data=data_folder,
        settings=lambda wildcards: plan.params(
            plan.train_settings(config, wildcards.variant)
        ),
        code=lambda wildcards: code_hash.planned(
            *plan.train_files(config, wildcards.variant)
        ),
        folder=subpath(output.record, parent=True),
    message:
        "Train {wildcards.variant} with seed {wildcards.seed}"
    shell:
        "python {params.scripts:q}/train.py --variant {wildcards.variant} --seed {wildcards.seed} --data {params.data}"
        " --split {input.split} --recipe {input.recipe} --settings {params.settings:q} --code {params.code}"
        " --threads {threads} --gpus {resources.gpu} --jobs-per-gpu {resources.jobs_per_gpu} {resources.plugins}"
        " --output-dir {params.folder}"
        " --progress {params.study}/progress/{wildcards.variant}/seed{wildcards.seed}.csv"
        " --checkpoint {params.study}/checkpoints/{wildcards.variant}/seed{wildcards.seed}.safetensors"
        " --checkpoint-seconds {resources.checkpoint_seconds} 2> {log}"


if PAIRS:

    rule choose_pairs:
        input:
            unpack(
                tracked(
                    "choose_pairs",
                    runs=expand(
                        "<study>/runs/{variant}/seed{seed}/{name}",
                        variant=config["baseline"],
                        seed=SEEDS,
                        name=["history.npz", "run.json"],
                    ),
                )
            ),
        output:
            pairs=PAIRS,
            made="<study>/made/choose_pairs.json",
        log:
            "<study>/logs/choose_pairs.log",
        benchmark:
            "<study>/logs/choose_pairs.tsv"
        localrule: True
        conda:
            "../../envs/report.yaml"
        resources:
            mem_mb=2000,
            runtime=20,
        params:
            scripts=SCRIPTS,
            study=study_folder,
            settings=plan.params(plan.choose_settings(config)),
            made=made("choose_pairs"),
        message:
            "Choose the pairs that the baseline confuses most"
        shell:
            "python {params.scripts:q}/choose_pairs.py --runs {params.study}/runs"
            " --settings {params.settings:q} --output {output.pairs} 2> {log}"
            " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"
