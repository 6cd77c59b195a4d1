// Protocol transcripts: a file says what the client sends and what it must get, an engine runs against it in
// memory.
//
//   # comment                      a line that begins with "#", or is empty, is ignored
//   @name value                    a setting, for the test that runs the file
//   C: EHLO client                 the client sends the line and CRLF; lines that follow each other go as
//                                  one segment
//   C~ abc\r                       the same without CRLF
//   C! timeout                     instead of input, the stream's deadline passes
//   --                             a new segment, without waiting for a reply
//   S: 250 2.0.0 *                 a line the server has sent by now; a final "*" stands for any rest
//   S: <closed>                    the server has ended the connection
//   P: policy reset                something the engine did to its peers; all in order, if there is any
//                                  such line
//
// Escapes in C and P: \r \n \t \0 \\ \xHH.  Where the file ends without <closed>, the client closes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/sys/stream.h"

namespace mailroom::transcript {

struct Turn {
  std::vector<std::string> expected;  // what the server must have sent before the client goes on
  std::string sent;
  bool times_out = false;
};

struct Transcript {
  std::multimap<std::string, std::string> settings;
  std::vector<Turn> turns;  // the last one sends nothing
  std::vector<std::string> peer_events;
  bool ends_closed = false;

  std::string setting(const std::string& name, const std::string& otherwise) const;
};

// Throws std::runtime_error for a file that is not written as above.
Transcript read_transcript(const std::string& path);
Transcript parse_transcript(std::string_view text);

std::string escape(std::string_view bytes);
std::string unescape(std::string_view text);

// The client's side of a transcript.  Input comes in segments as written, or in single octets.
class ScriptStream : public Stream {
 public:
  enum class Pace { segments, octets };
  ScriptStream(const Transcript& transcript, Pace pace) : transcript_{transcript}, pace_{pace} {}

  std::size_t read(std::span<char> into) override;
  void write(std::string_view bytes) override { output_ += bytes; }
  void set_deadline(std::chrono::steady_clock::time_point) override {}

  // Adds to the output something that is not a line of the server, as "<TLS>".
  void mark(std::string_view text) { output_.append(text).append("\r\n"); }

  // After the engine has returned: what is wrong, empty if nothing is.
  std::string verdict();

 private:
  bool check_expected();

  const Transcript& transcript_;
  Pace pace_;
  std::size_t turn_ = 0;
  std::size_t sent_ = 0;
  bool turn_open_ = false;  // its expectations have been met
  std::string output_;
  std::string wrong_;
  bool client_closed_ = false;
};

}  // namespace mailroom::transcript
