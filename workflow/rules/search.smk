# One recipe for all variants, or with search.scope each one for each: proposed in rounds, tried, chosen.

OF_VARIANT = " of {wildcards.variant}" if OWN_SEARCHES else ""


rule propose_trials:
    input:
        unpack(
            tracked(
                "propose_trials",
                trials=lambda wildcards: trial_files(int(wildcards.round), wildcards),
            )
        ),
    output:
        proposals="<study>/search<own>/round{round}.json",
        made="<study>/made/propose_trials<own>/round{round}.json",
    log:
        "<study>/logs/propose_trials<own>/round{round}.log",
    benchmark:
        "<study>/logs/propose_trials<own>/round{round}.tsv"
    localrule: True
    conda:
        "../../envs/search.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        scripts=SCRIPTS,
        folder=search_folder,
        settings=lambda wildcards: plan.params(
            plan.propose_settings(config, wildcards.get("variant"))
        ),
        made=made("propose_trials"),
    message:
        f"Propose the recipes of round {{wildcards.round}}{OF_VARIANT}"
    shell:
        "python {params.scripts:q}/propose_trials.py --round {wildcards.round} --search-dir {params.folder}"
        " --settings {params.settings:q} --output {output.proposals} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"


rule run_trial:
    input:
        unpack(
            tracked(
                "run_trial",
                proposals="<study>/search<own>/round{round}.json",
                split=rules.split_data.output.split,
                about=rules.prepare_data.output.about,
                arrays=rules.prepare_data.output.arrays,
            )
        ),
    output:
        "<study>/search<own>/round{round}/trial{trial}.json",
    log:
        "<study>/logs/run_trial<own>/trial{trial}.round{round}.log",
    benchmark:
        "<study>/logs/run_trial<own>/trial{trial}.round{round}.tsv"
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
        plugins=lambda wildcards: plan.plugins_argument(
            config, *plan.searched(config, wildcards.get("variant"))
        ),
    params:
        scripts=SCRIPTS,
        data=data_folder,
        checkpoint=trial_checkpoint,
        settings=lambda wildcards: plan.params(
            plan.trial_settings(config, wildcards.get("variant"))
        ),
        code=lambda wildcards: code_hash.planned(
            *plan.trial_files(config, wildcards.get("variant"))
        ),
    message:
        f"Try recipe {{wildcards.trial}}{OF_VARIANT}"
    shell:
        "python {params.scripts:q}/run_trial.py --round {input.proposals} --trial {wildcards.trial} --data {params.data}"
        " --split {input.split} --settings {params.settings:q} --code {params.code}"
        " --threads {threads} --gpus {resources.gpu} --jobs-per-gpu {resources.jobs_per_gpu} {resources.plugins}"
        " --checkpoint {params.checkpoint} --checkpoint-seconds {resources.checkpoint_seconds} --output {output} 2> {log}"


rule select_recipe:
    input:
        unpack(
            tracked(
                "select_recipe",
                trials=lambda wildcards: (
                    trial_files(config["search"]["rounds"], wildcards)
                    if config["search"]["enabled"]
                    else []
                ),
            )
        ),
    output:
        recipe="<study>/search<own>/recipe.yaml",
        trials="<study>/search<own>/trials.csv",
        made="<study>/made/select_recipe<own>.json",
    log:
        "<study>/logs/select_recipe<own>.log",
    benchmark:
        "<study>/logs/select_recipe<own>.tsv"
    localrule: True
    conda:
        "../../envs/search.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        scripts=SCRIPTS,
        folder=search_folder,
        checkpoints=lambda wildcards: trial_checkpoint(wildcards, trial="*"),
        # This rule removes the states of trials' runs, not the trials: if Snakemake does not accept what a trial has written, it removes that,
        # and the states are all that is left. While the search is disabled, unfinished trials keep theirs.
        rm="rm -f" if config["search"]["enabled"] else ":",
        settings=lambda wildcards: plan.params(
            plan.select_settings(config, wildcards.get("variant"))
        ),
        made=made("select_recipe"),
    message:
        f"Choose the recipe{OF_VARIANT}"
    shell:
        "python {params.scripts:q}/select_recipe.py --search-dir {params.folder} --settings {params.settings:q}"
        " --output-recipe {output.recipe} --output-trials {output.trials} 2> {log}"
        " && {params.rm} {params.checkpoints}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"
