# The front door. meson and ninja do the building; everything that installs, starts or tests is a
# script under tools/ or tests/ that says what it does.
BUILD ?= build

.PHONY: all up down test check bench fuzz sim sim-coverage mutate clean

all: $(BUILD)/build.ninja    ## Build build/minke.
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@tools/deps build
	@meson setup $(BUILD) >/dev/null

up: all                      ## Start a one-node cluster and a Deployment on it.
	@tools/deps run
	@tools/up

down:                        ## Stop it again.
	@tools/down

test:                        ## Everything; ends with "N passed, N failed".
	@tools/deps test
	@tests/run

check: all                   ## Fast: unit tests and the house rules.
	@tools/check $(BUILD)

bench: all                   ## Figures: speed and size, as ratios in one run.
	@tools/deps test
	@tests/bench/run $(BUILD)

fuzz:                        ## Each fuzzer for SECONDS (60), with its kept corpus.
	@tools/deps test
	@tests/fuzz/run $(or $(SECONDS),60)

sim: all                     ## make sim SEED=n replays one seed of the simulator.
	@$(BUILD)/minke-sim $(or $(SEED),1)

sim-coverage:                ## Which branches of each controller SEEDS (1000) seeds reach.
	@tests/sim/coverage $(or $(SEEDS),1000)

mutate: all                  ## Every break of tests/sim/breaks.txt is caught by some seed.
	@tests/sim/mutate

clean:
	rm -rf $(BUILD) build-*
