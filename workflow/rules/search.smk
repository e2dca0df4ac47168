rule search:
    """Gather the trials of a search: table, best experiment, history and importance.

    Wildcards: search.
    """
    input:
        trials=lambda wildcards: [
            paths.trial(number, wildcards.search)
            for number in trial_names(STUDY.searches[wildcards.search].trials)
        ],
        asked=remake(paths.search("search.provenance.json"), asked.search),
    output:
        trials=paths.search("trials.csv"),
        best=paths.search("best.yaml"),
        history=paths.search("history.svg"),
        importance=paths.search("importance.svg"),
        provenance=paths.search("search.provenance.json"),
    log:
        paths.log("search", "{search}"),
    benchmark:
        paths.benchmark("search", "{search}")
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt * 1000,
        runtime=lambda wildcards, attempt: attempt * 10,
    params:
        folder=lambda wildcards: paths.search("", wildcards.search),
        settings=lambda wildcards: STUDY.search_slice(wildcards.search).canonical_json(),
        code=code("search"),
    shell:
        "polysve search {params.folder} --settings {params.settings:q} > {log} 2>&1"
