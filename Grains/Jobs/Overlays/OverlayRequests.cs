using System.Text;
using ControlPlane.Nodes;

namespace ControlPlane.Jobs;

/// <summary>A job's requests in one overlay, one for each attempt, and the replies that came. Runs on its grain's scheduler.</summary>
/// <param name="targets">Whom they are for.</param>
/// <param name="context">What jobs share.</param>
/// <param name="goOn">Called when something came.</param>
internal sealed class OverlayRequests(OverlayTargets targets, JobContext context, Func<Task> goOn) : IAsyncDisposable
{
    private readonly Dictionary<int, IRpcRequest> open = [];
    private readonly CancellationTokenSource ending = new();
    private List<(int Attempt, RpcNodeReply Reply)> came = [];

    /// <summary>Why nothing could be sent last; null when it could.</summary>
    public string? Fault { get; private set; }

    /// <summary>What came since the last call.</summary>
    public IReadOnlyList<(int Attempt, RpcNodeReply Reply)> TakeReplies()
    {
        var taken = came;
        came = [];
        return taken;
    }

    /// <summary>Sends one attempt to targets.</summary>
    /// <returns>To how many, from the first on; the others were not sent anything.</returns>
    public async Task<int> SendAsync(int attempt, IReadOnlyList<int> to, CancellationToken cancellationToken)
    {
        try
        {
            Fault = null;
            return await RequestOf(attempt).SendAsync([.. to.Select(targets.ToRpc)], cancellationToken);
        }
        catch (NetworkUnavailableException away)
        {
            Fault = away.Message;
            return 0;
        }
        catch (OperationCanceledException) when (!ending.IsCancellationRequested)
        {
            Fault = "nothing more is to be begun";
            return 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        foreach (var request in open.Values)
        {
            await request.DisposeAsync();
        }

        ending.Dispose();
    }

    private IRpcRequest RequestOf(int attempt)
    {
        if (open.TryGetValue(attempt, out var known))
        {
            return known;
        }

        var (overlay, spec) = (targets.Order!.Overlay, targets.Order.Spec);
        var request = context.Rpc.Open(
            new RpcCall(overlay, spec.Action.Agent, spec.Action.Name, Encoding.UTF8.GetBytes(spec.Action.InputsJson))
            {
                TimeToLive = spec.Timeouts.Delivery,
            });
        open[attempt] = request;
        ReadAsync(attempt, request).Ignore();
        return request;
    }

    private async Task ReadAsync(int attempt, IRpcRequest request)
    {
        await foreach (var reply in request.ReadRepliesAsync(ending.Token))
        {
            came.Add((attempt, reply));
            goOn().Ignore();
        }
    }
}
