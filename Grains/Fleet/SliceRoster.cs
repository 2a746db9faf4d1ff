using ControlPlane.Enrolment;
using ControlPlane.Nodes;
using Orleans.Runtime;

namespace ControlPlane.Fleet;

/// <summary>A slice's roster with when its nodes were heard, as it is stored; the index hears of each change.</summary>
/// <remarks>What is heard, who is due and what is to be stored change in one turn. Belongs to one slice and runs on its turns.</remarks>
internal sealed class SliceRoster(IPersistentState<RosterState> stored, SliceIndex index, TimeProvider time)
{
    /// <summary>Nodes of the roster that were heard since this activation began.</summary>
    private readonly Dictionary<string, LastHeard> heard = new(StringComparer.Ordinal);

    private Task writing = Task.CompletedTask;
    private Task? nextWrite;
    private bool isDirty;

    /// <summary>
    /// Nodes that are due earlier than what is stored says: a call that records one waits for the write, and again after one that failed.
    /// </summary>
    private HashSet<string> owed = new(StringComparer.Ordinal);

    public Roster Nodes { get; } = new();

    /// <summary>Takes over what was stored.</summary>
    public void Load()
    {
        Nodes.Load(stored.State.Entries, time.GetUtcNow());
        index.Load(Nodes.Entries);
    }

    public LastHeard? FindHeard(string identity) => heard.GetValueOrDefault(identity);

    public void Hear(string identity, DateTimeOffset at, string? version) =>
        heard[identity] = new LastHeard(at, version ?? heard.GetValueOrDefault(identity)?.AgentVersion);

    public void Put(RosterEntry entry)
    {
        if (Nodes.Put(WithVersion(entry)))
        {
            owed.Add(entry.Identity);
        }

        Changed(entry.Identity);
    }

    public void Mark(string identity, NodeLiveness liveness)
    {
        Nodes.Mark(identity, liveness, heard.GetValueOrDefault(identity)?.AgentVersion, time.GetUtcNow());
        Changed(identity);
    }

    public RosterEntry? Take(string identity)
    {
        var taken = Nodes.Take(identity, time.GetUtcNow());
        if (taken is not null)
        {
            Changed(identity);
        }

        return taken;
    }

    public void Returned(RosterEntry after)
    {
        Nodes.Returned(WithVersion(after));
        Changed(after.Identity);
        if (Nodes.Find(after.Identity) is null)
        {
            heard.Remove(after.Identity);
        }
    }

    public void Unpark(EnrolmentControls controls) => isDirty |= Nodes.Unpark(controls, time.GetUtcNow());

    /// <summary>Takes a node off the list, durably. False when it was not there.</summary>
    public async Task<bool> RemoveAsync(string identity)
    {
        var isListed = Nodes.Remove(identity);
        heard.Remove(identity);
        if (isListed)
        {
            Changed(identity);
            await CommitAsync();
        }

        return isListed;
    }

    /// <summary>Stores what was changed since it was stored.</summary>
    public Task StoreAsync() => isDirty ? CommitAsync() : Task.CompletedTask;

    /// <summary>Sees that those of these nodes who are due earlier than what is stored are stored as such.</summary>
    public Task StoreOwedAsync(params IEnumerable<string> identities) =>
        identities.Any(owed.Contains) ? CommitAsync() : Task.CompletedTask;

    /// <summary>Sees that all who are due earlier than what is stored are stored as such.</summary>
    public Task StoreAllOwedAsync() => owed.Count > 0 ? CommitAsync() : Task.CompletedTask;

    private void Changed(string identity)
    {
        isDirty = true;
        index.Record(Nodes.Find(identity) ?? Roster.Forgotten(identity, time.GetUtcNow()));
    }

    private RosterEntry WithVersion(RosterEntry entry) => entry with
    {
        AgentVersion = heard.GetValueOrDefault(entry.Identity)?.AgentVersion ?? Nodes.Find(entry.Identity)?.AgentVersion,
    };

    /// <summary>Writes the slice; all who ask before a write begins share it.</summary>
    private Task CommitAsync() => nextWrite ??= CommitNextAsync();

    private async Task CommitNextAsync()
    {
        // The calls that are queued behind this one get to record theirs first.
        await Task.Yield();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        nextWrite = null;
        await (writing = WriteAsync());
    }

    private async Task WriteAsync()
    {
        var writtenFor = owed;
        (isDirty, owed) = (false, new HashSet<string>(StringComparer.Ordinal));
        try
        {
            await stored.ReplaceAsync(new RosterState(Nodes.Entries));
        }
        catch
        {
            isDirty = true;
            owed.UnionWith(writtenFor);
            throw;
        }
    }
}
