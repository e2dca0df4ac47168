"""The page docs/validation.md, from films drawn anew by the rule measure; some minutes; no part of the study."""

# lint: Specify a conda environment or container for each rule.: it runs where PolySVE is developed, by ./run.


rule validation:
    """Write the page and its figure. No wildcards."""
    input:
        validation=paths.verification("validation"),
        program=f"{REPOSITORY}/benchmarks/validation_page.py",
    output:
        page=f"{REPOSITORY}/docs/validation.md",
        figure=f"{REPOSITORY}/docs/img/validation.svg",
    log:
        paths.log("validation", "page"),
    benchmark:
        paths.benchmark("validation", "page")
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        python=sys.executable,
    shell:
        "{params.python:q} {input.program:q} --validation {input.validation} {output.page:q} > {log} 2>&1"
