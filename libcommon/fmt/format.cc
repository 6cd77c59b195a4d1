// The compiled part of libfmt, from its own headers: Debian has it as a shared library only, and the
// listeners are linked statically.  Of its templates those that our programs link.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template char decimal_point_impl(locale_ref);
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template void vformat_to(buffer<char>&, string_view, basic_format_args<buffer_context<char>>, locale_ref);

}  // namespace detail
FMT_END_NAMESPACE
