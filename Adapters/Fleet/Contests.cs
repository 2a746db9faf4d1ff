using ControlPlane.Nodes;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet;

/// <summary>Tells a node's grain that one request to it got two different answers.</summary>
internal sealed partial class Contests(NodeReports nodes, TimeProvider time, ILogger<Contests> logger)
{
    private const int TriesMax = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Returns at once; it is tried again while the grain cannot be reached.</summary>
    public void Tell(string identity, ContestedAnswer contested) => TellAsync(identity, contested).Ignore();

    private async Task TellAsync(string identity, ContestedAnswer contested)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await nodes.RecordContestAsync(identity, contested);
                return;
            }
            catch (Exception fault) when (tries < TriesMax)
            {
                LogNotTold(identity, contested.Action, fault.Message);
                await Task.Delay(Pause, time);
            }
            catch (Exception fault)
            {
                // The end of what can be done here: an operator has to look after a node that two machines answer for.
                LogGivenUp(identity, contested.Action, fault);
                return;
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Node} is contested, {Action} got two different answers, which its grain could not be told yet: {Reason}")]
    private partial void LogNotTold(string node, string action, string reason);

    [LoggerMessage(
        LogLevel.Error, "{Node} is contested, {Action} got two different answers, and nothing was done about it: revoke what it was given")]
    private partial void LogGivenUp(string node, string action, Exception fault);
}
