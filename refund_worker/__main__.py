"""`python -m refund_worker` is `refund-worker`."""

from refund_worker.entrypoints.cli import main

if __name__ == "__main__":
    main()
