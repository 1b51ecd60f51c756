# Figures, and the report that holds them. A figure depends on all declared runs, but finds their files by folder: no command line names one
# path per run. It names one file a run, which changes when any of them does: run.json where it shows training alone, else metrics.json, since
# a run that is trained again is evaluated again. Each file that is named costs Snakemake time: a large study has ten thousand runs.


report: "../report/study.rst"


rule plot_figure:
    input:
        unpack(
            tracked(
                "plot_figure",
                files=lambda wildcards: figure_inputs(wildcards.figure),
            )
        ),
    output:
        png=report(
            "<study>/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda wildcards: {"figure": FIGURES[wildcards.figure].title},
        ),
        svg="<study>/figures/{figure}.svg",
        made="<study>/made/plot_figure/{figure}.json",
    log:
        "<study>/logs/plot_figure/{figure}.log",
    benchmark:
        "<study>/logs/plot_figure/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(name for name in FIGURES if name != catalogue.FINAL),
    localrule: True
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
        # The figure's record does not hold it: another caption is no reason to draw a figure again.
        caption=lambda wildcards: catalogue.caption(wildcards.figure),
    params:
        scripts=SCRIPTS,
        inputs=lambda wildcards: plan.figure_arguments(config, wildcards.figure),
        settings=lambda wildcards: plan.params(
            plan.figure_settings(config, wildcards.figure)
        ),
        made=made("plot_figure"),
    message:
        "Draw the figure {wildcards.figure}"
    shell:
        "python {params.scripts:q}/plot_figure.py {wildcards.figure} {params.inputs}"
        " --settings {params.settings:q} --output {output.png} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"


rule assemble_figure:
    input:
        unpack(tracked("assemble_figure", files=figure_inputs(catalogue.FINAL))),
    output:
        png=report(
            "<study>/figures/final.png",
            caption="../report/final.rst",
            category="Figures",
            labels={"figure": FIGURES[catalogue.FINAL].title},
        ),
        svg="<study>/figures/final.svg",
        made="<study>/made/assemble_figure.json",
    log:
        "<study>/logs/assemble_figure.log",
    benchmark:
        "<study>/logs/assemble_figure.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        scripts=SCRIPTS,
        inputs=plan.figure_arguments(config, catalogue.FINAL),
        settings=plan.params(plan.figure_settings(config, catalogue.FINAL)),
        made=made("assemble_figure"),
    message:
        "Assemble the final figure"
    shell:
        "python {params.scripts:q}/assemble_figure.py {params.inputs}"
        " --settings {params.settings:q} --output {output.png} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"


rule write_report:
    input:
        unpack(
            tracked(
                "write_report",
                figures=figure_files(),
                tables=expand(
                    "<study>/{table}", table=paths.COMPARED
                ),  # which depend on every run
                searches=(
                    search_files(paths.RECIPE) + search_files(paths.TRIALS)
                    if config["search"]["enabled"]
                    else []
                ),
                pairs=PAIRS,
                runs=run_files("predictions.npz"),
                about=rules.prepare_data.output.about,
                arrays=rules.prepare_data.output.arrays,
            )
        ),
    output:
        made="<study>/made/write_report.json",
        page=report(
            "<study>/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "The whole study"},
        ),
    log:
        "<study>/logs/write_report.log",
    benchmark:
        "<study>/logs/write_report.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        scripts=SCRIPTS,
        study=study_folder,
        data=data_folder,
        settings=plan.params(plan.report_settings(config)),
        made=made("write_report"),
    message:
        "Write the report"
    shell:
        "python {params.scripts:q}/write_report.py --study-dir {params.study} --data {params.data}"
        " --settings {params.settings:q} --output {output.page} 2> {log}"
        " && python {params.scripts:q}/record_inputs.py --output {output.made} --made {params.made:q} 2>> {log}"
