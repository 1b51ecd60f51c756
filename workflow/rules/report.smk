# Figures, and the report that holds them. A figure depends on all declared runs, but finds their files by folder: no command line names one
# path per run. It names one file a run, which tells when any of them changes: run.json where it shows training alone, else metrics.json, since
# a run that is trained again is evaluated again. Each file that is named costs Snakemake time: a large study has ten thousand runs.


rule plot_variants:
    input:
        run_files("metrics.json"),
        PAIRS,
    output:
        png=shown("variants"),
        svg="<study>/figures/variants.svg",
    log:
        "<study>/logs/plot_variants.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("pairs", "baseline", "evaluated_on", "references"),
        code=code_hash("plot_variants.py"),
    message:
        "Draw accuracy and confusion by variant"
    shell:
        "python workflow/scripts/plot_variants.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_plane:
    input:
        run_files("metrics.json"),
        PAIRS,
    output:
        png=shown("plane"),
        svg="<study>/figures/plane.svg",
    log:
        "<study>/logs/plot_plane.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("pairs", "evaluated_on", "plane"),
        code=code_hash("plot_plane.py"),
    message:
        "Draw the plane of exponents"
    shell:
        "python workflow/scripts/plot_plane.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_curves:
    input:
        run_files("run.json"),
        PAIRS,
    output:
        png=shown("curves"),
        svg="<study>/figures/curves.svg",
    log:
        "<study>/logs/plot_curves.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("pairs", "references"),
        code=code_hash("plot_curves.py"),
    message:
        "Draw the course of training"
    shell:
        "python workflow/scripts/plot_curves.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_confusion:
    input:
        run_files("metrics.json"),
        PAIRS,
    output:
        png=shown("confusion"),
        svg="<study>/figures/confusion.svg",
    log:
        "<study>/logs/plot_confusion.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("pairs", "evaluated_on"),
        code=code_hash("plot_confusion.py"),
    message:
        "Draw the confusion matrices"
    shell:
        "python workflow/scripts/plot_confusion.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_classes:
    input:
        run_files("metrics.json"),
        split=rules.split_data.output,
        about=rules.prepare_data.output.about,
        arrays=ancient(rules.prepare_data.output.arrays),
    output:
        png=shown("classes"),
        svg="<study>/figures/classes.svg",
    log:
        "<study>/logs/plot_classes.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        data=data_folder,
        settings=figure_params("evaluated_on"),
        code=code_hash("plot_classes.py"),
    message:
        "Draw the accuracy of each class"
    shell:
        "python workflow/scripts/plot_classes.py --runs {params.study}/runs --data {params.data} --split {input.split}"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_reliability:
    input:
        run_files("metrics.json"),
    output:
        png=shown("reliability"),
        svg="<study>/figures/reliability.svg",
    log:
        "<study>/logs/plot_reliability.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("baseline", "evaluated_on"),
        code=code_hash("plot_reliability.py"),
    message:
        "Draw how far confidence can be believed"
    shell:
        "python workflow/scripts/plot_reliability.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_weights:
    input:
        run_files("run.json"),
        PAIRS,
    output:
        png=shown("weights"),
        svg="<study>/figures/weights.svg",
    log:
        "<study>/logs/plot_weights.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("pairs"),
        code=code_hash("plot_weights.py"),
    message:
        "Draw what the focal weights did"
    shell:
        "python workflow/scripts/plot_weights.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_difficulty:
    input:
        run_files("run.json"),
    output:
        png=shown("difficulty"),
        svg="<study>/figures/difficulty.svg",
    log:
        "<study>/logs/plot_difficulty.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("difficulty"),
        code=code_hash("plot_difficulty.py"),
    message:
        "Draw the shares of easy and hard images"
    shell:
        "python workflow/scripts/plot_difficulty.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_search:
    input:
        trials=rules.select_recipe.output.trials,
    output:
        png=shown("search"),
        svg="<study>/figures/search.svg",
    log:
        "<study>/logs/plot_search.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        settings=plan.params({"study": config["study"]}),
        code=code_hash("plot_search.py"),
    message:
        "Draw the search"
    shell:
        "python workflow/scripts/plot_search.py --trials {input.trials}"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule plot_hardest:
    input:
        run_files("metrics.json"),
        PAIRS,
        about=rules.prepare_data.output.about,
        images=evaluated_images(),
    output:
        png=shown("hardest"),
        svg="<study>/figures/hardest.svg",
    log:
        "<study>/logs/plot_hardest.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params("pairs", "evaluated_on"),
        code=code_hash("plot_hardest.py"),
    message:
        "Draw the hardest images of the pair"
    shell:
        "python workflow/scripts/plot_hardest.py --runs {params.study}/runs --images {input.images} --classes {input.about}"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule assemble_figure:
    input:
        run_files("metrics.json"),
        PAIRS,
    output:
        png=shown("final"),
        svg="<study>/figures/final.svg",
    log:
        "<study>/logs/assemble_figure.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=figure_params(
            "pairs", "baseline", "evaluated_on", "difficulty", "references"
        ),
        code=code_hash("assemble_figure.py"),
    message:
        "Assemble the final figure"
    shell:
        "python workflow/scripts/assemble_figure.py --runs {params.study}/runs"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule write_report:
    input:
        figure_files(),
        rules.compare.output,  # they tell of every run
        rules.select_recipe.output if config["search"]["enabled"] else [],
        PAIRS,
        run_files("predictions.npz"),
        images=evaluated_images(),
    output:
        report(
            "<study>/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "The whole study"},
        ),
    log:
        "<study>/logs/write_report.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        study=study_folder,
        settings=plan.params(
            plan.report_settings(
                config,
                {name: (title, caption(name)) for name, title in FIGURES.items()},
            )
        ),
        code=code_hash("write_report.py", *plan.report_parts()),
    message:
        "Write the report"
    shell:
        "python workflow/scripts/write_report.py --study-dir {params.study} --images {input.images}"
        " --settings {params.settings:q} --output {output} 2> {log}"
