# check_files.sh - what the checks look at, for them to source: never what a build made.

# project_files PATTERN: the project's files below the working directory whose path matches, one a
# line. From git where this is a checkout (new files too), else every file but build/. Headers of
# older versions in tests/abi/ are not among them: they stay as they were published.
project_files() {
    if [ -e .git ]; then
        git ls-files --cached --others --exclude-standard
    else
        find . -type f -not -path './build/*' -printf '%P\n'
    fi | LC_ALL=C sort -u | grep -v '^tests/abi/[0-9]' | grep -E "$1" | while IFS= read -r file; do
        if [ -f "$file" ]; then echo "$file"; fi
    done || true
}
