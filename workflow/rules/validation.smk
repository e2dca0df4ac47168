"""The page docs/validation.md, from films drawn anew; some minutes; no part of the study."""

# lint: Specify a conda environment or container for each rule.: these run where PolySVE is developed, by ./run.


rule validate:
    """Draw films whose moduli have been measured, and keep what they come to. No wildcards."""
    input:
        program=f"{REPOSITORY}/benchmarks/validation.py",
    output:
        measured=paths.verification("validation"),
    log:
        paths.log("validate", "validation"),
    benchmark:
        paths.benchmark("validate", "validation")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        python=sys.executable,
        code=code("tessellate"),
    shell:
        "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 {params.python:q} {input.program:q} --json"
        " > {output.measured} 2> {log}"


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
