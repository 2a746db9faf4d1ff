using ControlPlane.Flow;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Certificates;

/// <summary>
/// Has the first order of a profile at an issuer go alone, and leaves the issuer aside for that profile after a wrong certificate: what a
/// CA makes of an order is known when it has made it, and each wrong certificate must be revoked.
/// </summary>
/// <remarks>Shared by the grains of a silo. Thread-safe by a lock that is never held over an await.</remarks>
internal sealed partial class ProfileTrials(TimeProvider time, ILogger<ProfileTrials> logger)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Issuer, string Profile), TrialState> trials = [];

    /// <summary>Why no order would be sent now, as long as none is tried; null when one would.</summary>
    public GateVerdict.Deferred? FindObstacle(string issuer, string profile)
    {
        lock (gate)
        {
            var standing = Of(issuer, profile);
            return standing.AsideUntil > time.GetUtcNow()
                ? new GateVerdict.Deferred(
                    $"{issuer} is left aside for the profile '{profile}' until {standing.AsideUntil:u}: {standing.Fault}",
                    standing.AsideUntil)
                : null;
        }
    }

    /// <summary>Waits while another order is tried; null when the order may be sent. It then comes back by <see cref="Leave"/>.</summary>
    public async Task<GateVerdict.Deferred?> EnterAsync(string issuer, string profile, DateTimeOffset deadline)
    {
        while (true)
        {
            Task tried;
            lock (gate)
            {
                if (FindObstacle(issuer, profile) is { } aside)
                {
                    return aside;
                }

                var standing = Of(issuer, profile);
                if (standing.IsProven || standing.Trial is null)
                {
                    standing.Trial = standing.IsProven ? null : new(TaskCreationOptions.RunContinuationsAsynchronously);
                    return null;
                }

                tried = standing.Trial.Task;
            }

            var patience = deadline - time.GetUtcNow();
            try
            {
                await tried.WaitAsync(patience > TimeSpan.Zero ? patience : TimeSpan.Zero, time);
            }
            catch (TimeoutException)
            {
                return new GateVerdict.Deferred($"the first certificate of the profile '{profile}' by {issuer} is awaited", deadline);
            }
        }
    }

    /// <summary>An order came back: with what the issuer made of it, or null when it was not sent.</summary>
    public void Leave(string issuer, string profile, SigningOutcome? outcome, TimeSpan asideFor)
    {
        lock (gate)
        {
            var standing = Of(issuer, profile);
            var now = time.GetUtcNow();
            if (outcome is SigningOutcome.Wrong wrong)
            {
                // Orders that were under way with it fail too, and must not push the end on.
                if (standing.AsideUntil <= now)
                {
                    standing.AsideUntil = now + asideFor;
                    standing.Fault = wrong.Detail;
                    LogAside(issuer, profile, standing.AsideUntil, wrong.Detail);
                }

                standing.IsProven = false;
            }
            else if (outcome is SigningOutcome.Signed && standing.AsideUntil <= now)
            {
                standing.IsProven = true;
            }

            standing.Trial?.TrySetResult();
            standing.Trial = null;
        }
    }

    private TrialState Of(string issuer, string profile) =>
        trials.TryGetValue((issuer, profile), out var known) ? known : trials[(issuer, profile)] = new TrialState();

    [LoggerMessage(
        LogLevel.Error,
        "{Issuer} is left aside for the profile '{Profile}' until {Until}: {Reason}. "
            + "Mend the CA or the profile; a silo that starts asks at once")]
    private partial void LogAside(string issuer, string profile, DateTimeOffset until, string reason);

    private sealed class TrialState
    {
        public bool IsProven { get; set; }

        public TaskCompletionSource? Trial { get; set; }

        public DateTimeOffset AsideUntil { get; set; }

        public string Fault { get; set; } = "";
    }
}
