namespace ControlPlane.Store;

/// <summary>
/// What was asked once and may not be asked again, kept for all silos of this site together and over their restarts, until it is too old to
/// be taken anyway.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public interface IAskedOnce
{
    /// <summary>Records something, unless it was recorded before.</summary>
    /// <param name="id">What: unguessable, and of at most 200 characters.</param>
    /// <param name="keepFor">For how long it is kept.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Whether it is the first time.</returns>
    /// <exception cref="StoreUnavailableException">It is not known, and must not be taken for the first time.</exception>
    Task<bool> TryRecordAsync(string id, TimeSpan keepFor, CancellationToken cancellationToken);
}
