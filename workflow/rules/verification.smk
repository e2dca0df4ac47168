"""Pages of the documentation from benchmarks: docs/verification.md takes some hours; no part of the study."""

# lint: Specify a conda environment or container for each rule.: these run where PolySVE is developed, by ./run.

MEASUREMENTS = ("accuracy", "convergence", "labels", "scaling", "robustness")
# the stage whose code each benchmark measures
MEASURED = {name: "homogenize" for name in MEASUREMENTS} | {"validation": "characterize"}


rule measure:
    """Run one benchmark and keep what it prints.

    Wildcards: measurement, the name of a program in benchmarks/.
    """
    input:
        program=f"{REPOSITORY}/benchmarks/{{measurement}}.py",
    output:
        measured=paths.verification(),
    log:
        paths.log("measure", "{measurement}"),
    benchmark:
        paths.benchmark("measure", "{measurement}")
    wildcard_constraints:
        measurement="|".join(MEASURED),
    threads: 1
    resources:
        mem_mb=4000,
        runtime=600,
    params:
        python=sys.executable,
        code=lambda wildcards: code(MEASURED[wildcards.measurement]),
    shell:
        "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 {params.python:q} {input.program:q} --json"
        " > {output.measured} 2> {log}"


rule verification:
    """Write the page and its figures. No wildcards."""
    input:
        **{name: paths.verification(name) for name in MEASUREMENTS},
        program=f"{REPOSITORY}/benchmarks/verification_page.py",
    output:
        page=f"{REPOSITORY}/docs/verification.md",
        convergence=f"{REPOSITORY}/docs/img/convergence.svg",
        scaling=f"{REPOSITORY}/docs/img/scaling.svg",
    log:
        paths.log("verification", "page"),
    benchmark:
        paths.benchmark("verification", "page")
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        python=sys.executable,
    shell:
        "{params.python:q} {input.program:q} --accuracy {input.accuracy} --convergence {input.convergence}"
        " --labels {input.labels} --scaling {input.scaling} --robustness {input.robustness}"
        " {output.page:q} > {log} 2>&1"
