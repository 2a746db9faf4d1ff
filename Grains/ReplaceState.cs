namespace ControlPlane;

internal static class ReplaceState
{
    /// <summary>
    /// Writes a new state, and puts the previous one back when the write fails: otherwise memory would run ahead of storage, since
    /// Orleans deactivates a grain only on an inconsistent state. Takes no token: what has happened must be recorded.
    /// </summary>
    public static async Task ReplaceAsync<TState>(this IPersistentState<TState> storage, TState next)
    {
        var previous = storage.State;
        storage.State = next;
        try
        {
            await storage.WriteStateAsync();
        }
        catch
        {
            storage.State = previous;
            throw;
        }
    }
}
