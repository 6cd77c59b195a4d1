// What the supervisor gives up once the listening sockets are there.
#pragma once

namespace mailroom {

// From then on it reads files, binds TCP ports, and makes no process.  Fatal on failure.
void put_up_walls(bool unprivileged);

}  // namespace mailroom
