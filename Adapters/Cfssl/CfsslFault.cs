using System.Net;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>Tells what an answer other than a certificate means for the order. Pure.</summary>
internal static class CfsslFault
{
    /// <summary>The exception to throw for an order that was answered so.</summary>
    public static Exception OfOrder(string issuer, CfsslAnswer answer)
    {
        var message = $"cfssl {issuer} answered {answer}";
        return answer.Status switch
        {
            // cfssl has neither status; a proxy before it may.
            HttpStatusCode.TooManyRequests => new IssuerThrottledException(message, RetryAfterHeader.Wait(answer.RetryAfter)),
            HttpStatusCode.ServiceUnavailable => answer.RetryAfter is not null
                ? new IssuerThrottledException(message, RetryAfterHeader.Wait(answer.RetryAfter))
                : new IssuerUnavailableException(message),

            // 500 comes after the signature too: a certificate that could not be stored is an error to us and valid to the world.
            >= HttpStatusCode.InternalServerError => new IssuerOutcomeUnknownException(message),
            HttpStatusCode.BadRequest when IsStoreError(answer.Code) => new IssuerOutcomeUnknownException(message),
            HttpStatusCode.BadRequest when IsAboutTheRequest(answer.Code) => new IssuerRefusedException(message),
            _ => new IssuerMisconfiguredException(message),
        };
    }

    /// <summary>The exception to throw for a question that was answered so.</summary>
    public static Exception OfQuestion(string issuer, CfsslAnswer answer)
    {
        var message = $"cfssl {issuer} answered {answer}";
        return answer.Status switch
        {
            HttpStatusCode.TooManyRequests => new IssuerThrottledException(message, RetryAfterHeader.Wait(answer.RetryAfter)),
            >= HttpStatusCode.InternalServerError => new IssuerUnavailableException(message),
            _ => new IssuerMisconfiguredException(message),
        };
    }

    /// <summary>cfssl does not have the certificate, or not under this key identifier.</summary>
    public static bool IsUnknownCertificate(CfsslAnswer answer) => answer.Code == 11200;

    // 9xxx: the signing request. 5300: it asks for what the policy forbids. 5500: its names are not on the profile's list.
    private static bool IsAboutTheRequest(int code) => code is (>= 9000 and <= 9999) or 5300 or 5500;

    // 11xxx: the database, which is written after signing.
    private static bool IsStoreError(int code) => code is >= 11000 and <= 11999;
}
