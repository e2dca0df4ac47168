rule train:
    """Train the network of an experiment.

    Wildcards: experiment. A GPU is asked for where a profile offers one: --set-resources train:gpu=1.
    """
    input:
        inputs=paths.experiment("inputs.h5"),
        asked=remake(paths.experiment("train.provenance.json"), asked.model),
    output:
        model=paths.experiment("model.keras"),
        history=paths.experiment("history.csv"),
        provenance=paths.experiment("train.provenance.json"),
    log:
        paths.log("train", "{experiment}"),
    benchmark:
        paths.benchmark("train", "{experiment}")
    priority: 3
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=lambda wildcards, attempt: attempt * 240,
    params:
        settings=lambda wildcards: STUDY.experiments[wildcards.experiment].train.canonical_json(),
        code=code("train"),
    shell:
        "TF_NUM_INTRAOP_THREADS={threads} TF_NUM_INTEROP_THREADS=1 polysve train {input.inputs} {output.model} {output.history} --settings {params.settings:q} > {log} 2>&1"
