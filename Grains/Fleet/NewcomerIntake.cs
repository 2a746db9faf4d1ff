using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Fleet;

/// <summary>
/// Asks names that a slice does not know for their token, a few at once. No grain is made for a name that is only said; who shows a token
/// is taken up, and some others are as long as there is room, so that operators see them.
/// </summary>
/// <remarks>Belongs to one slice and runs on its turns.</remarks>
/// <param name="probe">Asks them.</param>
/// <param name="roster">Whom the slice knows.</param>
/// <param name="takeUp">Takes up one that is there, or that is to be listed, with the time since when it waits.</param>
/// <param name="logger">Where what went wrong is told.</param>
/// <param name="leaving">Ends it.</param>
internal sealed partial class NewcomerIntake(
    NewcomerProbe probe, Roster roster, Action<string, DateTimeOffset> takeUp, ILogger logger, CancellationToken leaving)
{
    private readonly Newcomers newcomers = new(NewcomerProbe.WaitingMax);
    private readonly HashSet<string> letIn = new(StringComparer.Ordinal);
    private int asking;

    /// <summary>Takes note of a name. When there is no room, it is forgotten: who is there answers the next sweep.</summary>
    public void Add(string identity, DateTimeOffset at, bool isAnswer)
    {
        if (!newcomers.Add(identity, at, isAnswer))
        {
            probe.Forgot();
        }
    }

    /// <summary>Goes on asking.</summary>
    public void Ask()
    {
        while (asking < NewcomerProbe.AskedMax && newcomers.Take() is var (identity, at))
        {
            asking++;
            Ask(identity, at).Ignore();
        }
    }

    private async Task Ask(string identity, DateTimeOffset at)
    {
        try
        {
            if (await probe.ShowsTokenAsync(identity, at, leaving) || IsRoomFor(identity))
            {
                takeUp(identity, at);
            }
            else
            {
                probe.Forgot();
            }
        }
        catch (Exception fault) when (!leaving.IsCancellationRequested)
        {
            // The top of a loop that must go on: who is there answers the next sweep.
            LogNotAsked(identity, fault.Message);
        }
        finally
        {
            newcomers.Done(identity);
            asking--;
        }

        Ask();
    }

    // Whether one more may be listed that has shown nothing; those that were let in count before the roster says how they stand.
    private bool IsRoomFor(string identity)
    {
        letIn.RemoveWhere(name => roster.Find(name) is { Stage: not NodeStage.Discovered });
        return roster.Unshown + letIn.Count < probe.ListedMax && letIn.Add(identity);
    }

    [LoggerMessage(LogLevel.Debug, "{Node} was heard of for the first time, and could not be asked: {Reason}")]
    private partial void LogNotAsked(string node, string reason);
}
