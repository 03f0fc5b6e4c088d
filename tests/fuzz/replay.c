/*
 * replay: runs a fuzz target over the files of the given folders, as an ordinary test without libFuzzer.
 *
 * Each input is handed over in memory of exactly its size, so that AddressSanitizer sees the first byte read beyond it.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    if (file == NULL || bytes == NULL || fread(bytes, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

/* A folder that is not there holds no files: most subjects have no regressions yet. */
static unsigned replay_folder(const char *folder)
{
    unsigned count = 0;
    DIR *handle = opendir(folder);
    if (handle == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(handle)) != NULL;) {
        char path[4096];
        struct stat status;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        replay_file(path, (size_t)status.st_size);
        ++count;
    }
    closedir(handle);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (int i = 1; i < argc; ++i)
        count += replay_folder(argv[i]);
    printf("replayed %u inputs\n", count);
    return count > 0 ? 0 : 1;
}
