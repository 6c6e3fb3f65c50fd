# make demo    the main job: two users, many sessions, a LangChain and a LlamaIndex agent
# make quick   the tests to run while you work, in about a minute
# make test    all tests, and what is about stores once more on PostgreSQL
# make thorough      the longest tests with more cases, mostly twenty times as many: before a release
# make postgresql    all suites on PostgreSQL
# make lint    style, types, directions of imports, dead code
# make docs    the documentation site into build/site, links checked; make docs-serve shows it
# make conformance   the frameworks' own tests on our classes (a few minutes)
# make lowest        tests/langchain with the lowest versions that pyproject.toml allows
# make wheels        builds the three packages into dist/
# make wheels-check  builds them, installs them in a clean environment and uses them
# make release-check the same on every Python that is there, with the lowest versions, too
# Everything is installed into .venv; nothing else on the machine is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# pip says nothing while it unpacks, which takes minutes: what is there by now is counted beside it.
# $(call install,what is installed,what pip is given)
define install
	@echo "Installing $(1) into $(VENV)"
	@$(PIP) $(2) & pip=$$!; seconds=0; \
	while sleep 5; kill -0 $$pip 2>/dev/null; do \
		seconds=$$((seconds + 5)); \
		echo "  $$seconds s: $$(ls -d $(VENV)/lib/python*/site-packages/*.dist-info | wc -l) packages"; \
	done; wait $$pip
endef

# What make demo needs; a name, since the comma would end an argument of install.
DEMO := --editable '.[agents,llama-index]'

# Compiled once, the tests and the package load faster from then on. What is imported is compiled then:
# less than half of all that pip installs, which would take a minute. By pip's rule "false" is what says no.
unexport PYTHONDONTWRITEBYTECODE
export PIP_NO_COMPILE := false

# What holds the core together; adapters, crashes and whole programs are left to `make test`.
QUICK := tests/unit tests/property tests/test_architecture.py

.PHONY: demo quick test thorough postgresql lint format docs docs-serve eval report bench conformance lowest \
	lowest-installed wheels wheels-check release-check clean

demo: $(VENV)/.demo
	@echo "Running examples/demo, about 20 seconds"
	@$(BIN)/python examples/demo

quick: $(VENV)/.quick
	$(BIN)/python -m pytest -n 2 -m "not slow" -p no:langsmith_plugin $(QUICK)

# Whole files go to one of three processes: what a file's tests share is made once, and while tests of
# one process wait, two have work. The longest go first, in the order of tests/conftest.py.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# What is run a second time on PostgreSQL. The rest of what is about stores, which takes as long again,
# is left to `make postgresql`: adapters keep nothing themselves, but for the one that is a store.
STORES := tests/contract tests/crash tests/property tests/security tests/langchain/test_store.py \
	tests/langchain/test_store_oracle.py tests/langchain/test_isolation.py \
	tests/llama_index/test_isolation.py tests/web/test_server_attacks.py

test: $(VENV)/.test
	$(PYTEST)
	$(PYTEST) --database postgresql -m "not slow" $(STORES)

thorough: $(VENV)/.test
	LIGHTMEM_THOROUGH=1 $(PYTEST) $$(grep -rl --include='test_*.py' '^from thorough import' tests)

postgresql: $(VENV)/.test
	$(PYTEST) --database postgresql $(STORES) tests/unit tests/langchain tests/llama_index

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

# A link, a heading or a file that is not there ends it, and so does what a page would load from elsewhere.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

conformance: $(VENV)/.test
	$(BIN)/python scripts/conformance/run.py

lowest: $(BIN)/python
	$(BIN)/python scripts/lowest_versions.py

lowest-installed: $(BIN)/python
	$(BIN)/python scripts/lowest_versions.py --install

wheels: $(VENV)/.release
	@rm -rf dist
	@for each in . packages/*/; do \
		$(BIN)/python -m build --quiet --no-isolation --outdir dist $$each || exit 1; \
	done

wheels-check release-check: $(VENV)/.release
	$(BIN)/python scripts/release_versions.py $(if $(filter release-check,$@),--release)
	@$(MAKE) --no-print-directory wheels
	$(BIN)/twine check --strict dist/*
	$(BIN)/python scripts/check_wheels.py $(if $(filter release-check,$@),--all)

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The conversations of LoCoMo are not ours to ship: make eval DATA=path/to/locomo10.json
eval: $(VENV)/.test
	$(BIN)/python benchmarks/compare.py --data $(or $(DATA),examples/demo/conversation.json) \
		$(if $(PLOT),--plot $(PLOT)) $(if $(SAMPLE),--sample $(SAMPLE))

# Writes the tables and figures of docs/evaluation.md anew: make report DATA="locomo10.json beam.json"
report: $(VENV)/.test
	$(BIN)/python benchmarks/report.py $(if $(KEEP),--keep $(KEEP)) \
		$(addprefix --data ,$(or $(DATA),$(error make report needs DATA=path/to/locomo10.json)))

bench: $(VENV)/.test
	$(BIN)/python benchmarks/import_time.py
	$(BIN)/python benchmarks/write_path.py
	$(BIN)/python benchmarks/latency.py

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@echo "Making an environment of its own in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# Each stamp stands for one set of packages; it is made anew when the project's needs change.
$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(call install,the memory with LangChain and LlamaIndex: 150 packages in some minutes,$(DEMO))
	@touch $@

$(VENV)/.quick: $(VENV)/.demo
	$(call install,what the quick tests need,--editable '.[quick]')
	@touch $@

# torch first and pinned: asked for by another package, it would come with gigabytes of CUDA.
$(VENV)/.test: $(VENV)/.quick
	$(call install,torch,'torch==2.13.0')
	$(call install,what all tests need,--editable '.[test]')
	@touch $@

# On top of the tests' packages: the reference is read from the frameworks' classes, too.
$(VENV)/.docs: $(VENV)/.test
	$(call install,what makes the site,--editable '.[docs]')
	@touch $@

$(VENV)/.release: $(BIN)/python pyproject.toml constraints.txt
	$(call install,what builds the packages,--editable '.[release]')
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(call install,what checks the style,--editable '.[lint]')
	@touch $@

# Or all of them at once, for who runs everything: what fits together is worked out once.
ALL := --editable '.[test,docs,lint,release]'

$(VENV)/.all: $(BIN)/python pyproject.toml constraints.txt
	$(call install,torch,'torch==2.13.0')
	$(call install,what any target needs: 300 packages in some minutes,$(ALL))
	@touch $(addprefix $(VENV)/,.demo .quick .test .docs .lint .release) $@
