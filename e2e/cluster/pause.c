// What holds a pod's namespaces open: waits for the end and reaps what its containers leave.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static void end(int number) {
  (void)number;
  _Exit(0);
}

static void reap(int number) {
  (void)number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

int main(void) {
  sigset_t none;
  sigemptyset(&none);
  signal(SIGINT, end);
  signal(SIGTERM, end);
  signal(SIGCHLD, reap);
  for (;;) sigsuspend(&none);
}
