/* SPDX-License-Identifier: MIT */
/* The system calls that a worker never needs and an intruder would. */
#ifndef JAIL_FILTER_ROW
#error "define JAIL_FILTER_ROW(name) before including this table"
#endif

/* Other programs. */
JAIL_FILTER_ROW(execve)
JAIL_FILTER_ROW(execveat)
/* Other processes. */
#ifndef WITH_ASAN /* LeakSanitizer looks at its own process that way */
JAIL_FILTER_ROW(ptrace)
#endif
JAIL_FILTER_ROW(process_vm_readv)
JAIL_FILTER_ROW(process_vm_writev)
/* Another file system, another namespace. */
JAIL_FILTER_ROW(mount)
JAIL_FILTER_ROW(mount_setattr)
JAIL_FILTER_ROW(umount2)
JAIL_FILTER_ROW(move_mount)
JAIL_FILTER_ROW(open_tree)
JAIL_FILTER_ROW(fsopen)
JAIL_FILTER_ROW(fsconfig)
JAIL_FILTER_ROW(fsmount)
JAIL_FILTER_ROW(fspick)
JAIL_FILTER_ROW(pivot_root)
JAIL_FILTER_ROW(chroot)
JAIL_FILTER_ROW(unshare)
JAIL_FILTER_ROW(setns)
/* Code and keys inside the kernel, and the machine. */
JAIL_FILTER_ROW(bpf)
JAIL_FILTER_ROW(perf_event_open)
JAIL_FILTER_ROW(keyctl)
JAIL_FILTER_ROW(add_key)
JAIL_FILTER_ROW(request_key)
JAIL_FILTER_ROW(init_module)
JAIL_FILTER_ROW(finit_module)
JAIL_FILTER_ROW(delete_module)
JAIL_FILTER_ROW(kexec_load)
JAIL_FILTER_ROW(kexec_file_load)
JAIL_FILTER_ROW(reboot)
/* Another user. */
JAIL_FILTER_ROW(setuid)
JAIL_FILTER_ROW(setgid)
JAIL_FILTER_ROW(setreuid)
JAIL_FILTER_ROW(setregid)
JAIL_FILTER_ROW(setresuid)
JAIL_FILTER_ROW(setresgid)
JAIL_FILTER_ROW(setfsuid)
JAIL_FILTER_ROW(setfsgid)
JAIL_FILTER_ROW(setgroups)
