# The README's commands. Everything is installed into .venv; nothing outside this folder changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA ?= ../shared/data/cifar-10-batches-bin
NAME ?= minivgg
SEED ?= 2
# bfloat16 is what the published models were trained in; many times slower on processors without its
# instructions (PRECISION=float32).
PRECISION ?= bfloat16
# Where `make publish` takes the run from.
RUN ?= runs/$(NAME)
OTHERS ?= ../shared/data/sign-language-digits
MODEL_VERSION := 1.0
RESULTS := benchmarks/results
# How the published models were made, beside --data and --seed 1. What taught them and is published
# no more lies in models/teachers.
FIRST_SMALL := models/teachers/minivgg-small-1/model.keras
FIRST_MAX := models/teachers/minivgg-max-1/model.keras
REPEATED := --teacher-views repeated --teacher-rounds 40
MIXED := --cutmix 1 --mix-probability 0.5
# Dark, bright and blurred pictures, of which a teacher sees clear ones.
ROBUST := --jitter 0.5 --blur 1
CLEAR := --teacher-sees clear --temperature 2
TRAIN_minivgg-small := --recipe best --epochs 180 --precision $(PRECISION) $(MIXED) --teacher $(FIRST_MAX) $(FIRST_SMALL) $(REPEATED)
TRAIN_minivgg := --recipe best --epochs 160 --precision $(PRECISION) $(MIXED) --teacher $(FIRST_SMALL) $(REPEATED)
TRAIN_minivgg-nano := --recipe best --epochs 240 --precision $(PRECISION) $(ROBUST) --teacher $(FIRST_MAX) $(FIRST_SMALL) $(REPEATED) $(CLEAR)
TRAIN_minivgg-max := --recipe best --precision $(PRECISION) $(MIXED) $(ROBUST) --teacher $(FIRST_MAX) $(FIRST_SMALL) $(REPEATED) $(CLEAR)
COMPILE := --search --temperature fit --accept-accuracy 95
MODEL := out/minivgg.tflite
# A process of tests for each core, four at most: each loads TensorFlow. What stays together,
# tests/conftest.py says; tests/arm, the longest, is begun first, as the folders stand.
PARALLEL := --numprocesses auto --maxprocesses 4 --no-loadscope-reorder --dist loadscope
PICTURES := $(wildcard convert/sample/pictures/*.png)

.PHONY: help run test test-all lint train publish compile seed model-wheels accuracy bench peers arm report matrix fuzz soak kills interop guide quantization precision robustness figures pages wheel clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (TensorFlow is large: a few minutes the first time)"
	@$(PYTHON) -c 'import sys; ok = (3, 10) <= sys.version_info[:2] <= (3, 13); sys.exit(0 if ok else "Python 3.10 to 3.13 is needed, this is %d.%d: make run PYTHON=python3.12" % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(STAMP)  ## compile the bundled float model to int8, compare the two, classify ten pictures
	@echo "Compiling models/minivgg/model.keras to int8 on the embedded CIFAR-10 sample"
	@$(BIN)/python -m convert.quantize
	@echo "Classifying a test picture of each class with $(MODEL) (the name of the file is the truth)"
	@$(BIN)/minivgg-edge classify --model $(MODEL) $(PICTURES)

test: $(STAMP)  ## the fast suite
	@echo "Running the fast tests (slow ones: make test-all)"
	@$(BIN)/python -m pytest -m "not slow and timing" -q tests/device
	@$(BIN)/python -m pytest -m "not slow and not timing" -q $(PARALLEL)

test-all: $(STAMP)  ## the fast suite and the slow one
	@echo "Running all tests, the slow ones included"
	@$(BIN)/python -m pytest -m "timing" -q tests/device
	@$(BIN)/python -m pytest -m "not timing" -q $(PARALLEL)

lint: $(STAMP)  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

train: $(STAMP)  ## train a published model again (NAME=minivgg, the bundled one; hours; DATA=folder of CIFAR-10; PRECISION=float32)
	$(BIN)/python -m convert.train --data $(DATA) --model $(NAME) $(TRAIN_$(NAME)) --seed 1 --resume

publish: $(STAMP)  ## take the run of `make train` over into models/NAME, compile it, fill its card (RUN=folder of the run)
	mkdir -p models/$(NAME)
	cp $(RUN)/model.keras $(RUN)/training.json $(RUN)/log.csv $(RUN)/curves.svg models/$(NAME)
	$(MAKE) compile

compile: $(STAMP)  ## compile a published float model again (NAME=minivgg, the bundled one), and its card
	$(BIN)/python -m convert.quantize models/$(NAME)/model.keras --data $(DATA) --out out/published/$(NAME).tflite $(COMPILE) --force
	cp out/published/$(NAME).tflite $(if $(filter minivgg,$(NAME)),minivgg_edge/models,models/$(NAME))/$(NAME).tflite
	cp out/published/$(NAME).report.json models/$(NAME)/quantization.json
	$(BIN)/python -m benchmarks.cards
	$(BIN)/python -m benchmarks.family

seed: $(STAMP)  ## train and compile a published model with another seed (SEED=2), its records for the card (hours)
	$(BIN)/python -m convert.train --data $(DATA) --model $(NAME) $(TRAIN_$(NAME)) --seed $(SEED) --out runs/$(NAME)-seed-$(SEED) --resume
	$(BIN)/python -m convert.quantize runs/$(NAME)-seed-$(SEED)/model.keras --data $(DATA) --out out/published/$(NAME)-seed-$(SEED).tflite $(COMPILE) --force
	mkdir -p models/$(NAME)/seed-$(SEED)
	cp runs/$(NAME)-seed-$(SEED)/training.json models/$(NAME)/seed-$(SEED)/training.json
	cp out/published/$(NAME)-seed-$(SEED).report.json models/$(NAME)/seed-$(SEED)/quantization.json
	$(BIN)/python -m benchmarks.cards
	$(BIN)/python -m benchmarks.family

model-wheels: $(STAMP)  ## build an installable wheel of each published model but the bundled, into dist
	@for model in models/*/*.tflite; do $(BIN)/python -m convert.package $$model --version $(MODEL_VERSION) --license Apache-2.0 --out dist --force || exit 1; done

accuracy: $(STAMP)  ## all 10,000 test pictures through the bundled int8 and float models
	$(BIN)/python -m convert.evaluate --data $(DATA)

bench: $(STAMP)  ## time, memory, cold start and accuracy on this machine, into out/bench (leave it alone meanwhile)
	$(BIN)/python -m pytest --benchmark --benchmark-card=out/bench/host.json $(if $(wildcard $(DATA)),--data=$(DATA))
	$(BIN)/python -m benchmarks.answers --out out/bench/answers.json $(if $(wildcard $(DATA)),--data $(DATA))

$(VENV)/.peers: $(STAMP) benchmarks/peers/requirements-onnxruntime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement benchmarks/peers/requirements-onnxruntime.txt && touch $@ || echo "ONNX Runtime cannot be installed: it will be missing in the table"

peers: $(VENV)/.peers  ## other engines and models beside ours, in one run (installs them below .venv and out/peers)
	@$(BIN)/python -m benchmarks.peers $(if $(wildcard $(DATA)),--data $(DATA))

arm: $(VENV)/.peers  ## instructions on emulated Raspberry Pis, held to the stored baseline (ARM=options)
	@$(BIN)/python -m benchmarks.arm $(ARM)

fuzz: $(STAMP)  ## damaged models, pictures and manifests against the package, on both runtimes (FUZZ=options)
	@$(BIN)/python -m benchmarks.reliability.fuzz $(FUZZ)

soak: $(STAMP)  ## a million inferences in one process: growth, changed answers; and many callers at once (SOAK=options)
	@$(BIN)/python -m benchmarks.reliability.soak $(SOAK)
	@$(BIN)/python -m benchmarks.reliability.concurrency

kills: $(STAMP)  ## the desk's commands, ended wherever they write, on full and on read-only disks (KILLS=options)
	@$(BIN)/python -m benchmarks.reliability.kills $(KILLS)

matrix: $(STAMP)  ## the built wheel in clean environments: each Python, runtime and numpy, emulated boards (MATRIX=options)
	@$(BIN)/python -m benchmarks.reliability.matrix $(MATRIX)

interop: $(STAMP)  ## the compiled file in MediaPipe Tasks, LiteRT's own tools and tflite-runtime (installs them below out)
	@$(BIN)/python -m pytest tests/interop -q -rs

guide: $(STAMP)  ## the commands of docs/first-hour.md, typed into emulated boards
	@$(BIN)/python -m pytest tests/arm/test_guide.py -q -rs

quantization: $(STAMP)  ## every method of quantization, calibration seeds, the search, a hard model
	@$(BIN)/python -m benchmarks.quantization $(if $(wildcard $(DATA)),--data $(DATA))

precision: $(STAMP)  ## other precisions than int8, and the second quantizer: accuracy, cost, where they run (PRECISIONS=options)
	@$(BIN)/python -m benchmarks.precision $(if $(wildcard $(DATA)),--data $(DATA)) $(PRECISIONS)
	@$(BIN)/python -m benchmarks.second_engine $(if $(wildcard $(DATA)),--data $(DATA)) $(PRECISIONS)

robustness: $(STAMP)  ## the published models on re-saved, shifted, dark, blurred and noisy test pictures
	@$(BIN)/python -m benchmarks.robustness $(if $(wildcard $(DATA)),--data $(DATA))

figures: $(VENV)/.peers  ## measure what README, cards and docs say of the models again, and store it (an hour; OTHERS=photos of other things)
	$(BIN)/python -m benchmarks.quantization --data $(DATA) --out $(RESULTS)/quantization
	$(BIN)/python -m benchmarks.rejection minivgg --data $(DATA) --others $(OTHERS) --out $(RESULTS)/quantization
	$(BIN)/python -m benchmarks.precision --data $(DATA) --out $(RESULTS)/precision
	$(BIN)/python -m benchmarks.second_engine --data $(DATA) --out $(RESULTS)/precision
	$(MAKE) robustness bench peers
	$(BIN)/python -m benchmarks.arm --data $(DATA) --update-baseline
	cp out/arm/arm.json out/bench/host.json out/bench/answers.json out/bench/peers.json $(RESULTS)
	cp out/bench/robustness.json $(RESULTS)/robustness
	$(MAKE) pages

pages: $(STAMP)  ## make README, its charts, cards and docs from the stored results
	$(BIN)/python -m benchmarks.quantization.document
	$(BIN)/python -m benchmarks.precision.document
	$(BIN)/python -m benchmarks.ablations.document
	$(BIN)/python -m benchmarks.reliability.document
	$(BIN)/python -m benchmarks.report --readme README.md --charts docs
	$(BIN)/python -m benchmarks.cards
	$(BIN)/python -m benchmarks.family

report: $(STAMP)  ## one HTML page of what was measured here; of the stored results where nothing was
	@$(BIN)/python -m benchmarks.report --out out/report/index.html --markdown out/report/report.md

wheel: $(STAMP)  ## build dist/minivgg_edge-*.whl
	@$(BIN)/python -m build --wheel --outdir dist

clean:  ## remove what the targets made, but not the virtual environment and the runs of trainings
	rm -rf out dist build
