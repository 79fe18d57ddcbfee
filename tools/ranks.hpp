// The processes that a launcher (mpirun, srun) has started together with this one.
#pragma once

#include "trainer/ranks/agree.hpp"

namespace riffle::tools {

/// The program's first word: where several were started together, begins MPI. Before anything can fail, as the rank
/// that fails ends the others by it. Throws Error where MPI cannot be begun.
void begin_ranks();

/// All of them; this process alone where there was no launcher. Throws Error where there are several, but no MPI in the
/// program.
trainer::Ranks& ranks();

/// What a message of an error has in front: which rank's it is, where there are several.
///
/// Where all ranks fail alike, as for an argument that is none, one message is enough, and rank 0 tells it. The others
/// cannot know: they wait a while in here. If they are still there afterwards, the error is theirs.
std::string teller_of_an_error();

/// Is it rank 0, which tells what all ranks throw alike (trainer::SharedError)? The others wait a while in here, too,
/// so that none of them ends the run before it is told.
bool tells_for_all();

/// The program's last word: of several ranks that succeeded, or stopped together, ends MPI; of one that failed, ends
/// the others. Returns the code.
int leave_ranks(int code);

}  // namespace riffle::tools
