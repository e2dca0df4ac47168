rule trial:
    """Train one network with hyperparameters that Optuna draws from what the other trials of its search came to.

    Wildcards: search; trial, its number. All trials of a search share one journal, which is no output: it grows. It
    lies on the file system that the jobs share, and trials may run at the same time, on several nodes. A GPU is asked
    for where a profile offers one: --set-resources trial:gpu=1.
    """
    input:
        ensembles=lambda wildcards: [paths.ensemble(name) for name in ensembles_of(wildcards)],
        asked=remake(paths.trial(suffix=".provenance.json"), asked.trial),
    output:
        trial=paths.trial(),
        provenance=paths.trial(suffix=".provenance.json"),
    log:
        paths.log("trial", "{search}/{trial}"),
    benchmark:
        paths.benchmark("trial", "{search}/{trial}")
    priority: 3
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 4000,
        runtime=lambda wildcards, attempt: attempt * 240,
    params:
        study=lambda wildcards: paths.search("study.log", wildcards.search),
        ensembles=lambda wildcards: [
            f"--ensemble={name}={paths.ensemble(name)}" for name in ensembles_of(wildcards)
        ],
        settings=lambda wildcards: STUDY.trial_slice(wildcards.search).canonical_json(),
        code=code("trial"),
    shell:
        "TF_NUM_INTRAOP_THREADS={threads} TF_NUM_INTEROP_THREADS=1 polysve trial {output.trial} {params.study} {params.ensembles}"
        " --number {wildcards.trial} --settings {params.settings:q} > {log} 2>&1"
