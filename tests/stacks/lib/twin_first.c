#include "tests/stacks/lib/twin.h"

TWIN(twin_first)
