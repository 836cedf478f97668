# One word does it. Each target sets up what it needs in .venv; nothing outside this folder is touched.
#   ARGS="…" is handed to the command:           make pair ARGS="--count 3"
#   PYTHON=… names the Python to make .venv with: make demo PYTHON=/path/to/python3.12
.DEFAULT_GOAL := help
.PHONY: help demo demo-browser pair test test-slow check simulate format lock figures bench bench-simulation bench-instance trials clients recording screenshots docs vectors pages clean

IN_VENV := .venv/bin/python -m
# Tests start hundreds of Python processes: each would compile the code anew if bytecode were not kept.
PYTEST := PYTHONDONTWRITEBYTECODE= $(IN_VENV) pytest --dist worksteal
# Both suites wait as much as they compute (for processes, codes that expire, brokers): a worker more than the cores of
# a small machine computes meanwhile.
WORKERS := 3
# pytest exits with 5 when it finds no test to run.
NO_TEST := 5

# A PYTHON of the caller's is for the set-up alone.
ifdef PYTHON
SET_UP := @PYTHON='$(PYTHON)' scripts/set-up
else
SET_UP := @scripts/set-up
endif

help: ## Show this list
	@echo 'Handclasp: two nodes shake hands. Start with `make demo`.'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@awk '/^#   [A-Z]+=/ { sub(/^#   /, "  "); print }' Makefile

demo: ## Watch two nodes and a broker go through the whole handshake; ends by itself
	$(SET_UP) main
	@.venv/bin/handclasp demo $(ARGS)

demo-browser: ## The same in your browser: both consoles side by side, what goes between them; Ctrl-C stops it
	$(SET_UP) main
	@.venv/bin/handclasp demo --browser $(ARGS)

pair: ## Start the same two nodes and broker to keep, with addresses to try; Ctrl-C stops them
	$(SET_UP) main
	@.venv/bin/handclasp pair $(ARGS)

test: ## Run the tests that take seconds; what this machine cannot run is listed at the end
	$(SET_UP) dev
	@$(PYTEST) --numprocesses $(WORKERS) -m 'not slow' $(ARGS)

test-slow: ## Run the tests that take longer: set-ups from nothing, long stories of many processes
	$(SET_UP) dev
	@$(PYTEST) --numprocesses $(WORKERS) -m slow -o faulthandler_timeout=600 $(ARGS) || [ $$? -eq $(NO_TEST) ]

simulate: ## Run the nodes' own code through made-up bad days; ARGS="--seeds 20000" for many
	$(SET_UP) main
	@.venv/bin/handclasp simulate $(ARGS)

check: ## Lint, check the format, check the types
	$(SET_UP) dev
	@$(IN_VENV) ruff check .
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) mypy -p protocol -p node -p simulations -p scripts -p benchmarks

format: ## Format the code and mend what the linter can mend
	$(SET_UP) dev
	@$(IN_VENV) ruff check --fix --quiet . || true
	@$(IN_VENV) ruff format .

lock: ## Write the lock files anew from pyproject.toml (UPGRADE=1 takes the newest versions)
	$(SET_UP) main
	@scripts/lock $(if $(UPGRADE),--upgrade)

figures: ## Measure start, memory and readiness on this machine
	$(SET_UP) main
	@$(IN_VENV) scripts.figures $(ARGS)

bench: ## Measure whole handshakes against a bare skeleton that does the same work and nothing else
	$(SET_UP) main
	@$(IN_VENV) benchmarks.handshakes $(ARGS)

bench-simulation: ## Measure the simulation at both levels against that skeleton, in one process
	$(SET_UP) main
	@$(IN_VENV) benchmarks.simulated $(ARGS)

bench-instance: ## Measure an instance with a million records beside one with few
	$(SET_UP) main
	@$(IN_VENV) benchmarks.instance $(ARGS)

trials: ## Kill, cut off, race and replay real nodes, and look that what must hold does (10 to 20 minutes)
	$(SET_UP) main
	@$(IN_VENV) scripts.trials $(ARGS)

clients: ## Run PySNC's own tests, or those of Ansible's servicenow.itsm, against a fresh node: SRC=/path/to/a/copy
	$(SET_UP) main
	@$(IN_VENV) scripts.clients $(if $(SRC),'$(SRC)') $(ARGS)

recording: ## Record the demo anew as the README's picture
	$(SET_UP) main
	@$(IN_VENV) scripts.recording $(ARGS)

screenshots: ## Take a picture of each screen of the console, into build/screenshots
	$(SET_UP) dev
	@$(IN_VENV) scripts.screenshots $(ARGS)

docs: ## Build the site of the documents into build/docs and check its links
	$(SET_UP) dev
	@NO_MKDOCS_2_WARNING=1 $(IN_VENV) mkdocs build $(ARGS)
	@echo 'build/docs/index.html'

vectors: ## Write docs/vectors and the made parts of docs/protocol.md anew from the code
	$(SET_UP) main
	@$(IN_VENV) scripts.vectors
	@$(IN_VENV) scripts.protocol_page

pages: ## Write the pages of commands, problems and settings in docs anew from the code
	$(SET_UP) main
	@$(IN_VENV) scripts.pages

clean: ## Remove .venv and every cache; keeps the data of your nodes
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .coverage build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
