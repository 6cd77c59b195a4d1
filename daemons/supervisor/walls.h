// What the supervisor gives up once the listening sockets are there.
#pragma once

namespace mailroom {

// From then on it reads files, makes and renames directories below spool/mail, which `spool_mail` is a
// descriptor of, binds TCP ports, and makes no process.  Fatal on failure.
void put_up_walls(int spool_mail, bool unprivileged);

}  // namespace mailroom
