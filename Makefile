# Every target installs what it needs into .venv, once.
#   make demo        serve the examples (HOST=127.0.0.1 PORT=8000)
#   make demo-cluster  the same on nginx, two gunicorns of two workers and Redis
#   make test        all tests, with coverage (ARGS="-k name" for some of them)
#   make mutations   plant ten mistakes into a copy of the example, which its tests have to find
#   make soak        send 300,000 hostile inputs, then put a server with streams under a random load for two minutes,
#                    and one with compressed streams for as long (ARGS="--seconds 30" for less)
#   make faults      break several servers and their Redis at random for two minutes (ARGS="--seconds 30" for less),
#                    then do so with live regions on SQLite and PostgreSQL, and with presence, for as long,
#                    then cut and kill 12,000 clicks (CLICKS="--clicks 400" for less)
#   make extensions  install other extensions, and try the page about them (ARGS="-k babel" for some of them)
#   make servers     install other WSGI servers, and try how each holds streams (ARGS="--only waitress" for some of them)
#   make readers     read compressed streams with each installed reader, Firefox too, alone and behind nginx
#   make bench       measure the cost of streams, then of compressed ones, and write it to docs/ (ARGS=--quick for a short
#                    run, to build/)
#   make bench-regions  measure the cost of live regions, in the same way
#   make bench-redis  measure the cost of several processes, in the same way
#   make bench-presence  measure the cost of presence, in the same way
#   make check       linter, formatter, types, prose, documentation
#   make picture     take the picture of the README again
#   make test-all    the tests without a browser on every supported and installed Python and Flask
#   make dist        build the sdist and the wheel of the last commit (REPOSITORY=https://host/owner/name for a release)
#   make clean       remove everything that the other targets created

PORT ?= 8000
# Not taken from the environment, because some shells keep the machine's name in HOST.
HOST = 127.0.0.1

# The first interpreter that runs and is new enough is used. PYTHON=... overrides it.
CANDIDATES = python3 python3.14 python3.13 python3.12 python3.11 python
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),$(shell $(name) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(name))))

EXTRAS_demo = gunicorn,example
EXTRAS_demo-cluster = gunicorn,redis,example
EXTRAS_test = gunicorn,redis,wtf,zstd,cli,testing,example,test,live
EXTRAS_soak = gunicorn,wtf,zstd,test
EXTRAS_faults = gunicorn,redis,example,test
EXTRAS_bench = gunicorn,zstd,bench
EXTRAS_bench-regions = gunicorn,example
EXTRAS_bench-redis = gunicorn,redis,bench
EXTRAS_bench-presence = test
EXTRAS_check = $(EXTRAS_test),check
EXTRAS_matrix = matrix
EXTRAS_picture = gunicorn,example,test,live
EXTRAS_dist = dist

# The addresses of a release; a package that is built without them has no links.
REPOSITORY ?=
DOCUMENTATION ?=

BIN = .venv/bin
CLIENT = example/static/datastar.js

.PHONY: demo demo-cluster test mutations soak faults extensions servers readers bench bench-regions bench-redis \
    bench-presence picture check test-all dist clean

demo: .venv/demo.stamp $(CLIENT)
	@echo "Open http://$(HOST):$(PORT)/ - Ctrl-C stops the server."
	@exec $(BIN)/gunicorn --config example/gunicorn.conf.py --bind "$(HOST):$(PORT)" "example:create_app()"

demo-cluster: .venv/demo-cluster.stamp $(CLIENT)
	@sh tests/system_programs.sh nginx redis-server
	@exec $(BIN)/python example/cluster.py --host "$(HOST)" --port "$(PORT)"

# Everything runs in several processes; a few tests are there sooner in one. Modules are compiled once, whatever the shell
# says, and not in each of the hundreds of processes that are started.
test: .venv/test.stamp $(CLIENT)
	sh tests/system_programs.sh
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --cov $(or $(ARGS),--cov-report= -n auto)
	@$(if $(ARGS),,$(BIN)/python tests/check_coverage.py)

mutations: .venv/test.stamp $(CLIENT)
	@$(BIN)/python -m tests.example.mutations

soak: .venv/soak.stamp
	@$(BIN)/python -m tests.soak.fuzz_messages
	@$(BIN)/python -m tests.soak.fuzz_requests
	@$(BIN)/python -m tests.soak.fuzz_streams
	@$(BIN)/python tests/soak/soak.py $(ARGS)
	@$(BIN)/python -m tests.soak.compressed $(ARGS)

faults: .venv/faults.stamp
	sh tests/system_programs.sh redis-server postgresql
	@$(BIN)/python -m tests.soak.faults $(ARGS)
	@$(BIN)/python -m tests.soak.regions $(ARGS)
	@$(BIN)/python -m tests.soak.presence $(ARGS)
	@$(BIN)/python -m tests.soak.clicks $(CLICKS)

extensions: .venv/pip.stamp
	@$(BIN)/python tests/extensions/try_them.py $(ARGS)

servers: .venv/pip.stamp
	@$(BIN)/python -m tests.servers.try_servers $(ARGS)

readers: .venv/test.stamp
	sh tests/system_programs.sh nginx firefox-esr nodejs curl zstd
	DATASTAR_READERS=all $(BIN)/python -m pytest --no-cov tests/servers/test_readers.py $(ARGS)

bench: .venv/bench.stamp
	@$(BIN)/python tests/benchmarks/streams.py $(or $(ARGS),--docs)
	@$(BIN)/python tests/benchmarks/compression.py $(or $(ARGS),--docs)

bench-regions: .venv/bench-regions.stamp
	@$(BIN)/python tests/benchmarks/regions.py $(or $(ARGS),--docs)

bench-redis: .venv/bench-redis.stamp
	sh tests/system_programs.sh redis-server
	@$(BIN)/python tests/benchmarks/redis.py $(or $(ARGS),--docs)

bench-presence: .venv/bench-presence.stamp
	@$(BIN)/python tests/benchmarks/presence.py $(or $(ARGS),--docs)

picture: .venv/picture.stamp $(CLIENT)
	@sh tests/system_programs.sh chromium
	@$(BIN)/python -m docs.picture

check: .venv/check.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m tests.house.prose
	$(BIN)/sphinx-build --quiet --fail-on-warning --builder html docs build/docs/html
	$(BIN)/sphinx-build --quiet --fail-on-warning --builder doctest docs build/docs/doctest

# tox searches PATH only, so the interpreters of pyenv are added to it.
PYENV_ROOT ?= $(HOME)/.pyenv
test-all: .venv/matrix.stamp $(CLIENT)
	sh tests/system_programs.sh
	for bin in $(wildcard $(PYENV_ROOT)/versions/*/bin); do PATH="$$PATH:$$bin"; done; $(BIN)/tox run

dist: .venv/dist.stamp
	rm -rf build dist
	$(BIN)/python -m docs.release --repository "$(REPOSITORY)" --documentation "$(DOCUMENTATION)" build/release
	$(BIN)/python -m build --outdir dist build/release

clean:
	rm -rf .venv .tox build dist *.egg-info $(CLIENT) .coverage htmlcov
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/pip.stamp:
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(NEW_ENOUGH)' \
	    || { echo "Python 3.11 or newer is needed; PYTHON=/path/to/python3 names one." >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/%.stamp: .venv/pip.stamp setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS_$*)]"
	@touch $@

# Checked on every call, because an existing file can still be the wrong one.
.PHONY: $(CLIENT)
$(CLIENT): | .venv/pip.stamp
	@$(BIN)/python example/fetch_client.py
