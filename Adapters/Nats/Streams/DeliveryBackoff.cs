using Orleans.Runtime.Providers;

namespace ControlPlane.Adapters.Nats;

/// <summary>How long the pulling agent waits before it tries a failed delivery again, and how often it does.</summary>
/// <remarks>
/// Orleans bounds a delivery by time only, and asks here after each failure: an exception is its only way to hear that it was the last
/// one. It also asks while it looks up subscribers, which are computed in the silo and do not fail.
/// </remarks>
internal sealed class DeliveryBackoff(int attemptsMax) : IMessageDeliveryBackoffProvider
{
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(5);

    /// <param name="attempt">How many attempts failed before the one that has just failed.</param>
    /// <exception cref="DeliveryAttemptsException">That was the last one.</exception>
    public TimeSpan Next(int attempt) =>
        attempt + 1 >= attemptsMax
            ? throw new DeliveryAttemptsException($"the delivery failed {attemptsMax} times")
            : RetryPause.Doubled(Delay, attempt, DelayMax);
}

/// <summary>A delivery failed as often as is tried.</summary>
internal sealed class DeliveryAttemptsException(string message) : Exception(message);
