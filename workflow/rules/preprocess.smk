rule preprocess:
    """Turn the ensembles of an experiment into network inputs, split for training, validation and test.

    Wildcards: experiment.
    """
    input:
        ensembles=lambda wildcards: [paths.ensemble(name) for name in ensembles_of(wildcards)],
        asked=remake(paths.experiment("inputs.h5"), asked.inputs),
    output:
        inputs=paths.experiment("inputs.h5"),
    log:
        paths.log("preprocess", "{experiment}"),
    benchmark:
        paths.benchmark("preprocess", "{experiment}")
    priority: 2
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 2000,
        runtime=lambda wildcards, attempt: attempt * 30,
    params:
        ensembles=named_ensembles,
        settings=lambda wildcards: STUDY.preprocess_slice(wildcards.experiment).canonical_json(),
        code=code("preprocess"),
    shell:
        "polysve preprocess {output.inputs} {params.ensembles} --settings {params.settings:q} > {log} 2>&1"
