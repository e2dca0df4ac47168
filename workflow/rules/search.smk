rule search:
    """Gather the trials of a search: table, best experiment, history and importance.

    Wildcards: search.
    """
    input:
        lambda wildcards: [
            paths.trial(number, wildcards.search)
            for number in paths.trials(STUDY.searches[wildcards.search].trials)
        ],
    output:
        report(
            paths.search("trials.csv"),
            caption="../report/trials.rst",
            category="Hyperparameters {search}",
            labels={"result": "trials"},
        ),
        paths.search("best.yaml"),
        report(
            paths.search("history.svg"),
            caption="../report/history.rst",
            category="Hyperparameters {search}",
            labels={"result": "history"},
        ),
        report(
            paths.search("importance.svg"),
            caption="../report/importance.rst",
            category="Hyperparameters {search}",
            labels={"result": "importance"},
        ),
        paths.search("search.provenance.json"),
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
