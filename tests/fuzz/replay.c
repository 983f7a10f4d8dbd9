/* Runs a fuzzer over the files of a folder, once each: kept findings stay found. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_BYTES_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	static uint8_t input[INPUT_BYTES_MAX];
	DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	int files = 0;

	if (!folder) {
		fprintf(stderr, "replay: no corpus %s\n", argc > 1 ? argv[1] : "");
		return 1;
	}
	while ((entry = readdir(folder))) {
		char path[1024];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
		FILE *file = fopen(path, "rb");

		if (!file)
			continue;
		size_t size = fread(input, 1, sizeof input, file);

		fclose(file);
		/* A block of its own, so that a sanitizer sees a read past its end. */
		uint8_t *copy = malloc(size ? size : 1);

		if (!copy)
			return 1;
		for (size_t i = 0; i < size; i++)
			copy[i] = input[i];
		LLVMFuzzerTestOneInput(copy, size);
		free(copy);
		files++;
	}
	closedir(folder);
	printf("%d inputs\n", files);
	return files == 0;
}
