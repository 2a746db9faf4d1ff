namespace ControlPlane.Jobs;

/// <summary>Actions of Choria's agents: requests to nodes, and questions to those that did not answer or go on.</summary>
internal sealed class RpcCalls(OverlayTargets targets, JobContext context, Func<Task> goOn) : ITargetCalls
{
    private readonly OverlayRequests requests = new(targets, context, goOn);
    private readonly StatusQuestions questions = new(targets, context, goOn);

    public int Room => int.MaxValue;

    public string? Fault => requests.Fault;

    public Task<int> SendAsync(int attempt, IReadOnlyList<int> to, CancellationToken cancellationToken) =>
        requests.SendAsync(attempt, to, cancellationToken);

    public void Recall(int target, string? dataJson) => questions.IsFollowed(target, dataJson);

    public void Take(TargetOutcomes outcomes, DateTimeOffset now)
    {
        foreach (var (attempt, reply) in requests.TakeReplies())
        {
            outcomes.Take(attempt, reply, questions, now);
        }

        foreach (var answer in questions.TakeAnswers())
        {
            outcomes.Take(answer, now);
        }
    }

    public void Ask(TargetOutcomes outcomes, DateTimeOffset now) => questions.Ask(outcomes, now);

    public ValueTask DisposeAsync() => requests.DisposeAsync();
}
