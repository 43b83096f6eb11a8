import { counter, gauge, histogram, SECONDS } from "./describe.ts";

/** Of the store, of HTTP and of the process. */
export const NODE_METRICS = {
  posthorn_store_commit_seconds: histogram(
    "How long a commit took, with its way to the disk",
    SECONDS,
  ),
  posthorn_store_commit_operations: histogram(
    "Operations that shared a commit",
    [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000],
  ),
  posthorn_store_failures_total: counter(
    "Operations that the store refused because of its own trouble",
  ),
  posthorn_store_bytes: gauge("Size of the store's files", "file"),
  posthorn_disk_free_bytes: gauge("Room left on the disk that holds the store"),
  posthorn_http_requests_total: counter(
    "HTTP requests, by the pattern of their path and the class of the status",
    "method",
    "route",
    "status",
  ),
  posthorn_http_request_seconds: histogram(
    "How long requests took until the answer began; held polls are held on purpose",
    SECONDS,
    "route",
  ),
  posthorn_proxy_oddities_total: counter(
    "Requests whose headers show that a proxy in front is not set up as it should be",
    "code",
  ),
  posthorn_event_loop_delay_seconds: histogram(
    "How late a timer of the event loop was",
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
  ),
  posthorn_log_lines_total: counter("Lines logged, also those that the level leaves out", "level"),
  posthorn_config_reloads_total: counter("Reloads of the configuration", "outcome"),
  posthorn_certificate_reloads_total: counter(
    "Certificates that were read anew: done when one was taken into service, failed when it could not be",
    "certificate",
    "outcome",
  ),
  posthorn_certificate_orders_total: counter(
    "Certificates that were ordered from an authority (ACME)",
    "outcome",
  ),
  posthorn_deaf_listeners: gauge(
    "Addresses where nobody can connect: they were let go of and cannot be had again",
  ),
  posthorn_replaced_listeners: gauge(
    "Listeners that live on only for sockets which began with an earlier certificate",
  ),
  posthorn_certificate_expiry_timestamp_seconds: gauge(
    "When the certificate ends, in seconds since 1970",
    "certificate",
  ),
  posthorn_build_info: gauge("Always 1; the version is in the label", "version"),
  posthorn_uptime_seconds: gauge("For how long the server has run"),
  posthorn_process_cpu_seconds_total: counter("Processor time used"),
  posthorn_process_resident_memory_bytes: gauge("Memory that the process holds"),
  posthorn_process_heap_bytes: gauge("Memory in use by the runtime's heap"),
  posthorn_process_open_files: gauge("Open file descriptors; a connection is one"),
  posthorn_process_open_files_max: gauge("How many may be open; at the limit nobody can connect"),
} as const;
