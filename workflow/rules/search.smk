# One recipe for all variants: proposed in rounds, tried, chosen.


rule propose_trials:
    input:
        lambda wildcards: trial_files(int(wildcards.round)),
    output:
        "<study>/search/round{round}.json",
    log:
        "<study>/logs/propose_trials/round{round}.log",
    localrule: True
    conda:
        "../../envs/search.yaml"
    params:
        study=study_folder,
        settings=plan.params(plan.propose_settings(config)),
        code=code_hash("propose_trials.py"),
    message:
        "Propose the recipes of round {wildcards.round}"
    shell:
        "python workflow/scripts/propose_trials.py --round {wildcards.round} --search-dir {params.study}/search"
        " --settings {params.settings:q} --output {output} 2> {log}"


rule run_trial:
    input:
        proposals="<study>/search/round{round}.json",
        split=rules.split_data.output,
        about=rules.prepare_data.output.about,
        arrays=ancient(rules.prepare_data.output.arrays),
    output:
        "<study>/search/round{round}/trial{trial}.json",
    log:
        "<study>/logs/run_trial/trial{trial}.round{round}.log",
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        jobs_per_gpu=1,  # another number by --set-resources or in a profile
        # No params: results do not depend on them, but on the plugins' code.
        checkpoint_seconds=config["train"]["checkpoint_seconds"],
        plugins=plan.plugins_argument(config, *plan.searched(config)),
    params:
        study=study_folder,
        data=data_folder,
        settings=plan.params(plan.trial_settings(config)),
        code=plan.trial_code(config),
    message:
        "Try recipe {wildcards.trial}"
    shell:
        "python workflow/scripts/run_trial.py --round {input.proposals} --trial {wildcards.trial} --data {params.data}"
        " --split {input.split} --settings {params.settings:q} --code {params.code}"
        " --threads {threads} --gpus {resources.gpu} --jobs-per-gpu {resources.jobs_per_gpu} {resources.plugins}"
        " --checkpoint {params.study}/checkpoints/search/trial{wildcards.trial}.safetensors"
        " --checkpoint-seconds {resources.checkpoint_seconds} --output {output} 2> {log}"


rule select_recipe:
    input:
        trial_files(config["search"]["rounds"]) if config["search"]["enabled"] else [],
    output:
        recipe="<study>/search/recipe.yaml",
        trials="<study>/search/trials.csv",
    log:
        "<study>/logs/select_recipe.log",
    localrule: True
    conda:
        "../../envs/search.yaml"
    params:
        study=study_folder,
        settings=plan.params(plan.select_settings(config)),
        code=code_hash("select_recipe.py"),
    message:
        "Choose the recipe"
    shell:
        "python workflow/scripts/select_recipe.py --search-dir {params.study}/search --settings {params.settings:q}"
        " --output-recipe {output.recipe} --output-trials {output.trials} 2> {log}"
