# What each run's models do on images they were not trained on, and all runs side by side.


rule evaluate:
    input:
        # run.json holds the hashes of the weights, so it changes with them; a run that was imported as a record has no weights.
        unpack(
            tracked(
                "evaluate",
                record=rules.train.output.record,
                split=rules.split_data.output.split,
                pairs=PAIRS,
                about=rules.prepare_data.output.about,
                arrays=rules.prepare_data.output.arrays,
            )
        ),
    output:
        predictions="<study>/runs/{variant}/seed{seed}/predictions.npz",
        metrics="<study>/runs/{variant}/seed{seed}/metrics.json",
        made="<study>/made/evaluate/{variant}.seed{seed}.json",
    log:
        "<study>/logs/evaluate/{variant}.seed{seed}.log",
    benchmark:
        "<study>/logs/evaluate/{variant}.seed{seed}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=20,
        gpu=1,
        jobs_per_gpu=1,  # another number by --set-resources or in a profile
        plugins=lambda wildcards: plan.plugins_argument(
            config, wildcards.variant, parts=["network"]
        ),
    params:
        scripts=SCRIPTS,
        study=study_folder,
        data=data_folder,
        settings=plan.params(plan.evaluate_settings(config)),
        made=made("evaluate"),
        folder=subpath(output.metrics, parent=True),
    message:
        "Evaluate {wildcards.variant} with seed {wildcards.seed}"
    shell:
        "python {params.scripts:q}/evaluate.py --run {params.folder} --data {params.data} --split {input.split}"
        " --settings {params.settings:q} --threads {threads} --gpus {resources.gpu}"
        " --checkpoint {params.study}/checkpoints/{wildcards.variant}/seed{wildcards.seed}.safetensors"
        " --jobs-per-gpu {resources.jobs_per_gpu} {resources.plugins} --output-dir {params.folder} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"


rule compare:
    input:
        # A run that is trained again is evaluated again, so metrics.json changes with both. registration.json is no input: it grows where
        # something else is declared, which is in the settings, and where runs are imported. staleness/due.py compares its dates of claims.
        unpack(
            tracked(
                "compare",
                runs=run_files("metrics.json"),
                recipes=search_files(paths.RECIPE),
                trials=(
                    search_files(paths.TRIALS) if config["search"]["enabled"] else []
                ),
                split=rules.split_data.output.split,
                pairs=PAIRS,
            )
        ),
    output:
        runs="<study>/runs.csv",
        comparison="<study>/comparison.csv",
        contrasts="<study>/contrasts.csv",
        most_confused="<study>/most_confused.csv",
        claims="<study>/claims.csv",
        markdown=report(
            "<study>/comparison.md",
            caption="../report/comparison.rst",
            category="Tables",
            labels={"table": "Comparison"},
        ),
        made="<study>/made/compare.json",
    log:
        "<study>/logs/compare.log",
    benchmark:
        "<study>/logs/compare.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        scripts=SCRIPTS,
        study=study_folder,
        settings=plan.params(plan.compare_settings(config)),
        made=made("compare"),
    message:
        "Compare the runs"
    shell:
        "python {params.scripts:q}/compare.py --runs {params.study}/runs --recipe {input.recipes} --trials {input.trials}"
        " --split {input.split} --settings {params.settings:q} --registration {params.study}/registration.json"
        " --output-dir {params.study} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"
