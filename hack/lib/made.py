"""Programs of a build folder that are asked about themselves: one that is older than its sources would speak of what was."""
import subprocess
import sys


def made(build, *targets):
    """Builds them where they are not current. Says nothing unless that fails, which ends the script."""
    done = subprocess.run(["cmake", "--build", build, "--target", *targets], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}cannot build {' '.join(targets)} in {build}")
