using ControlPlane.Jobs;
using Orleans.Storage;

namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>What is stored of one schedule, compared and swapped as Redis does; each activation has its own view of it.</summary>
internal sealed class StoredSchedule
{
    private int etag;

    public JobScheduleRecord Stored { get; private set; } = new();

    /// <summary>Whether the silo ends right after the write that made the record that is given.</summary>
    public Func<JobScheduleRecord, bool>? EndsAfter { get; set; }

    /// <summary>Nothing is stored any more: the silo has ended.</summary>
    public bool IsAway { get; set; }

    public IPersistentState<JobScheduleRecord> Open() => new View(this) { State = Stored };

    private sealed class View(StoredSchedule store) : IPersistentState<JobScheduleRecord>
    {
        private int known = store.etag;

        public required JobScheduleRecord State { get; set; }

        public string Etag => $"{known}";

        public bool RecordExists => true;

        public Task ClearStateAsync() => throw new NotSupportedException();

        public Task ReadStateAsync() => throw new NotSupportedException();

        public Task WriteStateAsync()
        {
            if (store.IsAway)
            {
                throw new SiloEndedException();
            }

            if (known != store.etag)
            {
                throw new InconsistentStateException("somebody else has written");
            }

            (store.Stored, known) = (State, ++store.etag);
            if (store.EndsAfter?.Invoke(State) == true)
            {
                store.EndsAfter = null;
                throw new SiloEndedException();
            }

            return Task.CompletedTask;
        }
    }
}
