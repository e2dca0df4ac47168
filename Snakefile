# A study from random grains to a trained network: ./run demo, or snakemake --cores all.
# What runs is told by config/config.yaml (or --configfile); each rule file belongs to one stage of src/polysve/stages.


include: "workflow/rules/common.smk"
include: "workflow/rules/tessellate.smk"
include: "workflow/rules/mesh.smk"
include: "workflow/rules/homogenize.smk"
include: "workflow/rules/assemble.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/portray.smk"
include: "workflow/rules/characterize.smk"
include: "workflow/rules/tabulate.smk"
include: "workflow/rules/preprocess.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/trial.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/device.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/verification.smk"
include: "workflow/rules/validation.smk"


rule all:
    """Everything that the configuration asks for."""
    default_target: True
    input:
        report=[paths.report] if STUDY.ensembles else [],
        audits=list(reported()["audit"].values()),
        atlas=[paths.atlas] if STUDY.films else [],
        devices=list(reported()["device"].values()),
        comparison=[paths.comparison] if STUDY.experiments else [],
    localrule: True
