# Figures, and the report that holds them. A figure depends on all declared runs, but finds their files by folder: no command line names one
# path per run. It names one file a run, which changes when any of them does: run.json where it shows training alone, else metrics.json, since
# a run that is trained again is evaluated again. Each file that is named costs Snakemake time: a large study has ten thousand runs.


rule plot_figure:
    input:
        lambda wildcards: figure_inputs(wildcards.figure),
    output:
        png=report(
            "<study>/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: {"figure": FIGURES[wildcards.figure].title},
        ),
        svg="<study>/figures/{figure}.svg",
    log:
        "<study>/logs/plot_figure/{figure}.log",
    wildcard_constraints:
        figure="|".join(name for name in FIGURES if name != catalogue.FINAL),
    localrule: True
    conda:
        "../../envs/report.yaml"
    resources:
        # No param: another caption is no reason to draw a figure again.
        caption=lambda wildcards: catalogue.caption(wildcards.figure),
    params:
        inputs=lambda wildcards: plan.figure_arguments(config, wildcards.figure),
        settings=lambda wildcards: plan.params(
            plan.figure_settings(config, wildcards.figure)
        ),
        code=lambda wildcards: catalogue.code(wildcards.figure),
    message:
        "Draw the figure {wildcards.figure}"
    shell:
        "python workflow/scripts/plot_figure.py {wildcards.figure} {params.inputs}"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule assemble_figure:
    input:
        figure_inputs(catalogue.FINAL),
    output:
        png=report(
            "<study>/figures/final.png",
            caption="../report/final.rst",
            category="Figures",
            labels={"figure": FIGURES[catalogue.FINAL].title},
        ),
        svg="<study>/figures/final.svg",
    log:
        "<study>/logs/assemble_figure.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        inputs=plan.figure_arguments(config, catalogue.FINAL),
        settings=plan.params(plan.figure_settings(config, catalogue.FINAL)),
        code=catalogue.code(catalogue.FINAL),
    message:
        "Assemble the final figure"
    shell:
        "python workflow/scripts/assemble_figure.py {params.inputs}"
        " --settings {params.settings:q} --output {output.png} 2> {log}"


rule write_report:
    input:
        figure_files(),
        rules.compare.output,  # which depends on every run
        search_files(paths.RECIPE) + search_files(paths.TRIALS)
        if config["search"]["enabled"]
        else [],
        PAIRS,
        run_files("predictions.npz"),
        # The images that predictions are about; dataset.json alone changes with them.
        images=ancient(f"<data>/{plan.evaluated_part(config)}/images.npy"),
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
        settings=plan.params(plan.report_settings(config)),
        code=code_hash("write_report.py", *plan.report_parts()),
    message:
        "Write the report"
    shell:
        "python workflow/scripts/write_report.py --study-dir {params.study} --images {input.images}"
        " --settings {params.settings:q} --output {output} 2> {log}"
