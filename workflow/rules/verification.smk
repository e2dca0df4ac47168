"""The page docs/verification.md, from benchmarks that take some hours; no part of the study."""

BENCHMARKS = f"{workflow.basedir}/benchmarks"


rule measure:
    """Run one benchmark and keep what it prints.

    Wildcards: measurement, the name of a program in benchmarks/.
    """
    output:
        f"{paths.RESULTS}/verification/{{measurement}}.json",
    log:
        paths.log("measure", "{measurement}"),
    benchmark:
        paths.benchmark("measure", "{measurement}")
    wildcard_constraints:
        measurement="accuracy|convergence|labels|scaling|robustness",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=600,
    params:
        program=lambda wildcards: f"{BENCHMARKS}/{wildcards.measurement}.py",
        code=code("homogenize"),
    shell:
        "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 {sys.executable:q} {params.program} --json > {output} 2> {log}"


rule verification:
    """Write the page and its figures. No wildcards."""
    input:
        **{
            name: f"{paths.RESULTS}/verification/{name}.json"
            for name in ("accuracy", "convergence", "labels", "scaling", "robustness")
        },
    output:
        f"{workflow.basedir}/docs/verification.md",
        f"{workflow.basedir}/docs/img/convergence.svg",
        f"{workflow.basedir}/docs/img/scaling.svg",
    log:
        paths.log("verification", "page"),
    benchmark:
        paths.benchmark("verification", "page")
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    shell:
        "{sys.executable:q} {BENCHMARKS}/verification_page.py --accuracy {input.accuracy} --convergence {input.convergence}"
        " --labels {input.labels} --scaling {input.scaling} --robustness {input.robustness} {output[0]} > {log} 2>&1"
