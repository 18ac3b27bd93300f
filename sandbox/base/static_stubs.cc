// SPDX-License-Identifier: Apache-2.0
//
// Replacements for the libc functions that load shared objects at run time.
//
// A static glibc still opens the machine's NSS modules (libnss_*.so and, through them, its
// libc.so.6) when /etc/nsswitch.conf names one. podpilot runs inside other people's images, where
// those belong to another glibc: the process dies of SIGFPE at the first unknown host or user.
// So nothing may reach them. Names are resolved by c-ares, /etc/passwd is parsed by hand.
//
// CMakeLists.txt passes --wrap=X to the linker for every __wrap_X in this file. References from
// our code and from every library (OpenSSL, curl, c-ares, libarchive) then end up here, where each
// answers "no such entry"; and because the linker warns about any such function that is left, and
// warnings are errors there, a new dependency that needs another one does not link.

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>

extern "C" {

// --- hosts and services ---

int __wrap_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo** result) {
  *result = nullptr;
  return EAI_FAIL;
}
void __wrap_freeaddrinfo(addrinfo*) {}
int __wrap_getnameinfo(const sockaddr*, socklen_t, char*, socklen_t, char*, socklen_t, int) {
  return EAI_FAIL;
}
hostent* __wrap_gethostbyname(const char*) {
  return nullptr;
}
hostent* __wrap_gethostbyaddr(const void*, socklen_t, int) {
  return nullptr;
}
servent* __wrap_getservbyname(const char*, const char*) {
  return nullptr;
}
servent* __wrap_getservbyport(int, const char*) {
  return nullptr;
}
int __wrap_getservbyname_r(const char*, const char*, servent*, char*, size_t, servent** result) {
  *result = nullptr;
  return 0;
}
int __wrap_getservbyport_r(int, const char*, servent*, char*, size_t, servent** result) {
  *result = nullptr;
  return 0;
}

// --- users and groups ---

passwd* __wrap_getpwnam(const char*) {
  return nullptr;
}
passwd* __wrap_getpwuid(uid_t) {
  return nullptr;
}
int __wrap_getpwnam_r(const char*, passwd*, char*, size_t, passwd** result) {
  *result = nullptr;
  return 0;
}
int __wrap_getpwuid_r(uid_t, passwd*, char*, size_t, passwd** result) {
  *result = nullptr;
  return 0;
}
group* __wrap_getgrnam(const char*) {
  return nullptr;
}
group* __wrap_getgrgid(gid_t) {
  return nullptr;
}
int __wrap_getgrnam_r(const char*, group*, char*, size_t, group** result) {
  *result = nullptr;
  return 0;
}
int __wrap_getgrgid_r(gid_t, group*, char*, size_t, group** result) {
  *result = nullptr;
  return 0;
}

// --- shared objects (OpenSSL's engines and providers) ---

void* __wrap_dlopen(const char*, int) {
  return nullptr;
}
void* __wrap_dlsym(void*, const char*) {
  return nullptr;
}
int __wrap_dlclose(void*) {
  return 0;
}
const char* __wrap_dlerror() {
  return "podpilot is static and loads no shared objects";
}
int __wrap_dladdr(const void*, void*) {
  return 0;
}

}  // extern "C"
