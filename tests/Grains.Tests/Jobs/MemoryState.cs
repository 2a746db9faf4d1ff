namespace ControlPlane.Grains.Tests.Jobs;

/// <summary>A grain's stored state in memory, which outlives the grain.</summary>
internal sealed class MemoryState<T>(T stored) : IPersistentState<T>
{
    public T Stored { get; private set; } = stored;

    public T State { get; set; } = stored;

    public string Etag => "";

    public bool RecordExists => true;

    /// <summary>Whether the silo ends right after the write that made the state that is given.</summary>
    public Func<T, bool>? EndsAfter { get; set; }

    /// <summary>Whether the silo ends right before the write of the state that is given.</summary>
    public Func<T, bool>? EndsBefore { get; set; }

    /// <summary>The silo has ended: nothing that its grains still do is stored.</summary>
    public bool IsEnded { get; private set; }

    public Task ClearStateAsync() => throw new NotSupportedException();

    public Task ReadStateAsync() => Task.CompletedTask;

    public Task WriteStateAsync()
    {
        IsEnded = IsEnded || EndsBefore?.Invoke(State) == true;
        if (!IsEnded)
        {
            Stored = State;
            IsEnded = EndsAfter?.Invoke(State) == true;
        }

        return IsEnded ? throw new SiloEndedException() : Task.CompletedTask;
    }
}
