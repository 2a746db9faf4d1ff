namespace ControlPlane.Adapters.Nats;

/// <summary>
/// One suspected message at a time in the whole silo, whatever its queue and provider: if the silo dies, it is known of which.
/// </summary>
internal sealed class TrialLock : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public Task WaitAsync(CancellationToken cancellationToken) => _turn.WaitAsync(cancellationToken);

    public void Release() => _turn.Release();

    public void Dispose() => _turn.Dispose();
}
