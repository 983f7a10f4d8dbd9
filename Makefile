# The front door. meson and ninja do the building; everything that installs, starts or tests is a
# script under tools/ that says what it does.
BUILD ?= build

.PHONY: all deps up down test check bench fuzz sim clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@tools/deps build
	@meson setup $(BUILD) >/dev/null

test: all
	@tools/check $(BUILD)

check: all           ## Fast: unit tests and tidy, under a minute.
	@tools/check $(BUILD)

clean:
	rm -rf $(BUILD) build-*
