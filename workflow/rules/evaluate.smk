rule evaluate:
    """Judge the network of an experiment: metrics, predictions of every ensemble, figures.

    Wildcards: experiment.
    """
    input:
        inputs=paths.experiment("inputs.h5"),
        model=paths.experiment("model.keras"),
        history=paths.experiment("history.csv"),
        ensembles=lambda wildcards: [paths.ensemble(name) for name in ensembles_of(wildcards)],
        asked=remake(paths.experiment("evaluate.provenance.json"), asked.metrics),
    output:
        metrics=paths.experiment("metrics.json"),
        predictions=directory(paths.experiment("predictions")),
        figures=directory(paths.experiment("figures")),
        provenance=paths.experiment("evaluate.provenance.json"),
    log:
        paths.log("evaluate", "{experiment}"),
    benchmark:
        paths.benchmark("evaluate", "{experiment}")
    priority: 1
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=lambda wildcards, attempt: attempt * 30,
    params:
        folder=lambda wildcards: paths.experiment_folder(wildcards.experiment),
        ensembles=named_ensembles,
        settings=lambda wildcards: STUDY.experiments[wildcards.experiment].evaluate.canonical_json(),
        code=code("evaluate"),
    shell:
        "TF_NUM_INTRAOP_THREADS={threads} TF_NUM_INTEROP_THREADS=1 polysve evaluate {input.inputs} {input.model} {input.history} {params.folder}"
        " {params.ensembles} --settings {params.settings:q} > {log} 2>&1"
