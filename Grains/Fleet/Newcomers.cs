using ControlPlane.Nodes;
using ControlPlane.Placement;

namespace ControlPlane.Fleet;

/// <summary>Names that were heard in provisioning mode and that nobody knows, until each was asked. Bounded, and never stored.</summary>
/// <remarks>
/// Anybody on that network may speak in any number of names. What is lost here when a silo ends is found by the next sweep, if it is there.
/// </remarks>
internal sealed class Newcomers(int max)
{
    private enum Progress
    {
        Heard,
        Answered,
        Asked,
    }

    private readonly Dictionary<string, (DateTimeOffset At, Progress Progress)> names = new(StringComparer.Ordinal);
    private readonly Queue<string> heard = [];
    private readonly Queue<string> answered = [];

    public int Count => names.Count;

    /// <summary>Takes a name in. False when there is no room.</summary>
    public bool Add(string identity, DateTimeOffset at, bool isAnswer)
    {
        var isKnown = names.TryGetValue(identity, out var known);
        if (isKnown && (!isAnswer || known.Progress != Progress.Heard))
        {
            return true;
        }

        if (!isKnown && names.Count >= max)
        {
            return false;
        }

        names[identity] = (isKnown ? known.At : at, isAnswer ? Progress.Answered : Progress.Heard);
        (isAnswer ? answered : heard).Enqueue(identity);
        return true;
    }

    /// <summary>Whom to ask next: who answered a sweep before whom an event named. Null when nobody waits.</summary>
    public (string Identity, DateTimeOffset At)? Take()
    {
        while (answered.TryDequeue(out var identity) || heard.TryDequeue(out identity))
        {
            // One that answered after an event stands in both queues.
            if (names.TryGetValue(identity, out var name) && name.Progress != Progress.Asked)
            {
                names[identity] = name with { Progress = Progress.Asked };
                return (identity, name.At);
            }
        }

        return null;
    }

    /// <summary>It was asked.</summary>
    public void Done(string identity) => names.Remove(identity);
}
