# One-line names for the commands of the README; `make help` lists them.

PYTHON ?= python3
CORES ?= 4
GPUS ?= 4
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# A value as one word of a command, in which the shell runs nothing, and CONFIG, whose files may be patterns, as an option.
WORD = '$(subst ','\'',$(1))'
FILES = $(if $(CONFIG),--configfile $(foreach file,$(CONFIG),$(foreach each,$(or $(wildcard $(file)),$(file)),$(call WORD,$(each)))))

GOALS = help setup demo study status runs clean-study adopt keep settle test faults dag config-docs docs
.PHONY: $(GOALS)

# A goal takes PYTHON and the variables in its line of `make help`. Make would ignore others, and take the second of two files for a goal.
ASKED := $(or $(MAKECMDGOALS),help)
$(foreach word,$(filter-out $(GOALS) .venv/installed,$(ASKED)),$(error $(word) is not a goal: choose from \
	$(GOALS)$(if $(CONFIG), (several files of one variable need quotes: CONFIG="a.yaml b.yaml"))))
TAKEN := $(patsubst %=,%,$(shell grep $(patsubst %,-e '^%:',$(ASKED)) '$(firstword $(MAKEFILE_LIST))' | grep -oE '[A-Z_]+='))
GIVEN := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
$(foreach name,$(filter-out PYTHON $(TAKEN),$(GIVEN)),$(error make $(ASKED) takes no $(name): \
	$(if $(TAKEN),it takes $(sort $(TAKEN))$(if $(filter CONFIG,$(TAKEN)), (write keys into overlays: CONFIG="files")),leave it out)))

# For a missing overlay Snakemake ends with a traceback; the other goals have a message of their own.
$(if $(filter study dag,$(ASKED)),$(foreach file,$(CONFIG),$(if $(wildcard $(file)),,$(error make $(ASKED) finds no $(file): \
	CONFIG takes overlays such as config/fair.yaml))))

# Commands about a study install nothing where there is an environment, also one of the user's own, or an older one in which jobs run.
HAS = PATH='$(PATH)' python -c 'import sys; from importlib.util import find_spec as has; \
	sys.exit(not (has("snakemake") and has("numpy") and has("rich")))'
ENVIRONMENT := $(if $(filter status runs clean-study adopt keep,$(ASKED)),$(if $(wildcard .venv/installed)$(shell $(HAS) 2> /dev/null && echo yes),,setup))

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed ## install the tested versions into .venv

.venv/installed: requirements.lock
	@echo "installing the tested versions into .venv (6.4 GB on Linux), which takes a few minutes"
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check uv
	@.venv/bin/uv pip install --python .venv/bin/python --compile-bytecode -r requirements.lock
	@touch $@

demo: setup ## the whole chain on generated images: two minutes, no GPU; internet only for the installation
	snakemake --cores 2 --configfile config/demo.yaml

study: setup ## the study of config/config.yaml on CIFAR-10 (CORES=4 GPUS=4), or another (CONFIG="its overlays")
	snakemake --cores $(call WORD,$(CORES)) --resources gpu=$(call WORD,$(GPUS)) $(FILES)

# Which study: STUDY=name, or CONFIG="its overlays"; without either, the one that was started last.
WHICH = $(if $(STUDY),--study $(call WORD,$(STUDY))) $(FILES)

# A switch such as FOLLOW=1; FOLLOW=0 is off.
ON = $(filter-out 0 no No NO off Off OFF false False FALSE,$(1))

status: $(ENVIRONMENT) ## how far a study is (STUDY=name or CONFIG="its overlays", FOLLOW=1 keeps it on screen)
	@python workflow/scripts/study.py status $(WHICH) $(if $(call ON,$(FOLLOW)),--follow)

runs: $(ENVIRONMENT) ## the finished runs of a study (STUDY=name or CONFIG="its overlays", SORT=accuracy)
	@python workflow/scripts/study.py runs $(WHICH) $(if $(SORT),--sort $(call WORD,$(SORT)))

clean-study: $(ENVIRONMENT) ## remove a study, after asking, or YES=1 (STUDY=name; LEFTOVERS=1 only runs it no longer has, by CONFIG="its overlays")
	@python workflow/scripts/study.py clean --study $(call WORD,$(or $(STUDY),$(error say which study: make clean-study STUDY=name))) \
		$(FILES) $(if $(call ON,$(LEFTOVERS)),--leftovers) $(if $(call ON,$(YES)),--yes)

adopt: $(ENVIRONMENT) ## import runs trained elsewhere (RUNS=folder CONFIG="the study's overlays" CODE=commit that trained them)
	python workflow/scripts/study.py adopt --runs $(call WORD,$(or $(RUNS),$(error say where the runs lie: make adopt RUNS=folder))) \
		$(FILES) $(if $(CODE),--code $(call WORD,$(CODE)))

settle: setup ## train from look to look of seeds until all claims are settled (CONFIG="its overlays" MAX_SEEDS=20 CORES=4 GPUS=4)
	python workflow/scripts/study.py settle $(FILES) $(if $(MAX_SEEDS),--max-seeds $(call WORD,$(MAX_SEEDS))) \
		-- --cores $(call WORD,$(CORES)) --resources gpu=$(call WORD,$(GPUS))

keep: $(ENVIRONMENT) ## keep the results of a study made by a version without records (STUDY=name or CONFIG="its overlays")
	python workflow/scripts/study.py keep $(WHICH)

# Not by number of tests: the few of the cluster take longest, and would begin last.
test: setup ## the test suite
	pytest -n auto --dist loadfile --no-loadscope-reorder

faults: setup ## every fault of docs/faults.md in full, an hour or two; writes its table
	python benchmarks/faults.py --write docs/faults.md tests/workflow/test_crashes.py tests/workflow/test_power_cuts.py \
		tests/files/test_full_disk.py tests/data/test_bad_servers.py tests/fuzz/test_*.py tests/figures/test_every_figure.py \
		tests/staleness/test_staleness.py

DRAW = python workflow/scripts/draw_dag.py --jobs results/jobs.mmd --output

dag: setup ## the study's steps and variants, as results/dag.mmd (Mermaid) and, where graphviz is installed, .svg (CONFIG="its overlays")
	@mkdir -p results
	@snakemake --quiet all $(FILES) --dag mermaid-js > results/jobs.mmd
	@$(DRAW) results/dag.mmd
	@if command -v dot > /dev/null; then \
		$(DRAW) results/dag.dot && dot -Tsvg results/dag.dot > results/dag.svg && echo "graph: results/dag.svg and results/dag.mmd"; \
	else echo "graph: results/dag.mmd (no results/dag.svg: graphviz's dot is not installed)"; fi

config-docs: setup ## write config/README.md from config/schema.yaml
	python workflow/scripts/describe_config.py --output config/README.md

docs: setup ## the documentation as a site, in site/, with diagrams where graphviz is installed
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict
